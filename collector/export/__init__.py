"""What leaves the collector: tables, OCSF events, the audit pack with its inventories, CBOM, report and signature."""
