#!/usr/bin/env python3
"""Makes the compressed captures and the pcapng file beside it, with gzip, zstd, xz and Wireshark's editcap.

8000 records of 40 bytes: 448,024 bytes uncompressed, so that several zstd blocks and deflate blocks are needed.
"""

import pathlib
import struct
import subprocess

here = pathlib.Path(__file__).parent
header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
record = bytes(range(40))
many = header + b"".join(
    struct.pack("<IIII", 1_700_000_000 + i // 1000, i % 1000, 40, 60) + record for i in range(8000)
)
for command, ending in [("gzip -9nc", "gz"), ("zstd -19 -qc --check", "zst"), ("xz -9c", "xz")]:
    (here / f"many.pcap.{ending}").write_bytes(
        subprocess.run(command.split(), input=many, stdout=-1, check=True).stdout
    )

few = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101) + b"".join(
    struct.pack("<IIII", 1_700_000_000 + i, 123_456_789, 21 + i, 99) + record[: 21 + i] for i in range(3)
)
source = here / "few.pcap"
source.write_bytes(few)
secrets = here / "keys.txt"
secrets.write_text(f"CLIENT_RANDOM {'00' * 32} {'11' * 48}\n")
subprocess.run(
    ["editcap", "-F", "pcapng", "-a", "2:second", "--inject-secrets", f"tls,{secrets}", source, here / "few.pcapng"],
    check=True,
)
source.unlink()
secrets.unlink()
