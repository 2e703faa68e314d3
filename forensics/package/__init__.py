"""The evidence package: a BagIt 1.0 folder or zip that anybody can check with standard tools, with stand-ins for people, and its verification."""

from forensics.package.checking import Checked, verify
from forensics.package.contents import Failure
from forensics.package.writing import Made, Options, create

__all__ = ["Checked", "Failure", "Made", "Options", "create", "verify"]
