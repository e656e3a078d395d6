"""What a VPN gateway knows of its own IPsec: the kernel's associations and policies, and strongSwan's IKE SAs.

`netlink`, `vici` and `helper` read it in a program of its own, which holds the right to; keys are overwritten on
receipt. `xfrm` parses, `state` is what is handed over, `verdict` holds it against the wire; these are pure.
"""
