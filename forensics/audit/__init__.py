"""Nightly audits over drop folders: each rollout becomes or extends a case, is judged, and compared with earlier audits."""

from forensics.audit.config import AuditConfig, Service, load
from forensics.audit.run import Audit, run, write

__all__ = ["Audit", "AuditConfig", "Service", "load", "run", "write"]
