"""The control plane: every page the sidecar itself serves, under `/_muster/`. Read `application.py` first."""
