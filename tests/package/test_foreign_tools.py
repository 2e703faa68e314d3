"""A package is checked without a line of ours: sha256sum, bagit.py, ssh-keygen, openssl, and the shell script inside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.package.conftest import Sealed

NAMESPACE = "evidence-package@canary-forensics"


def need(tool: str) -> str:
    """Return the path of a tool, or skip."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return found


def call(*arguments: str | Path, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(item) for item in arguments], cwd=cwd, input=stdin.decode(), capture_output=True, text=True, check=False
    )


@pytest.fixture(params=["folder", "zip"])
def package(request: pytest.FixtureRequest, sealed: Sealed, tmp_path: Path) -> Path:
    """Return a copy of the folder, or what a foreign tool unpacks of the zip."""
    if request.param == "folder":
        return sealed.copy(tmp_path / "package")
    with zipfile.ZipFile(sealed.zip) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    return tmp_path / "checkout-careless.evidence"


@pytest.fixture
def allowed(sealed: Sealed, tmp_path: Path) -> Path:
    path = tmp_path / "allowed_signers"
    path.write_bytes(b"auditor@example " + sealed.signer.read_bytes())
    return path


@pytest.mark.parametrize("bits", [256, 512])
@pytest.mark.parametrize("name", ["manifest", "tagmanifest"])
def test_sha256sum(package: Path, name: str, bits: int) -> None:
    tool = need(f"sha{bits}sum")
    done = call(tool, "--check", "--strict", "--quiet", f"{name}-sha{bits}.txt", cwd=package)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    changed = package / ("data/report/findings.json" if name == "manifest" else "bag-info.txt")
    changed.write_bytes(changed.read_bytes() + b" ")
    assert call(tool, "--check", "--strict", "--quiet", f"{name}-sha{bits}.txt", cwd=package).returncode == 1


def test_bagit(package: Path) -> None:
    done = call(sys.executable, "-m", "bagit", "--validate", package, cwd=package.parent)
    assert done.returncode == 0, done.stderr
    assert "is valid" in done.stderr
    (package / "data" / "added.txt").write_text("a")
    assert call(sys.executable, "-m", "bagit", "--validate", package, cwd=package.parent).returncode == 1


def test_ssh_keygen(package: Path, allowed: Path) -> None:
    def verify(identity: str) -> int:
        seal = (package / "tagmanifest-sha256.txt").read_bytes()
        signature = "signatures/tagmanifest-sha256.txt.sig"
        options = ["-f", str(allowed), "-I", identity, "-n", NAMESPACE, "-s", signature]
        return call(need("ssh-keygen"), "-Y", "verify", *options, cwd=package, stdin=seal).returncode

    assert verify("auditor@example") == 0
    assert verify("somebody@example") != 0
    (package / "tagmanifest-sha256.txt").write_bytes((package / "tagmanifest-sha256.txt").read_bytes()[1:])
    assert verify("auditor@example") != 0


def test_ssh_keygen_reads_the_public_key(package: Path, sealed: Sealed) -> None:
    def fingerprint(path: Path) -> str:
        return call(need("ssh-keygen"), "-l", "-f", path, cwd=package).stdout.split()[1]

    assert fingerprint(package / "signatures" / "public-key.pub") == fingerprint(sealed.signer)


def test_openssl(package: Path) -> None:
    options = ["-rawin", "-in", "tagmanifest-sha256.txt", "-sigfile", "signatures/tagmanifest-sha256.txt.ed25519"]
    command = [need("openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", "signatures/public-key.pem", *options]
    done = call(*command, cwd=package)
    assert done.returncode == 0, done.stderr
    (package / "tagmanifest-sha256.txt").write_bytes((package / "tagmanifest-sha256.txt").read_bytes()[1:])
    assert call(*command, cwd=package).returncode != 0


def script(package: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("dash") or need("sh")
    return call(shell, package / "verify.sh", *arguments, cwd=package.parent)


def test_the_script_inside(package: Path, allowed: Path) -> None:
    need("ssh-keygen")
    done = script(package)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as it was packed: " in done.stdout
    assert "compare its fingerprint" in done.stdout
    assert script(package, allowed, "auditor@example").returncode == 0
    assert script(package, allowed.relative_to(package.parent), "auditor@example").returncode == 0
    assert script(package, allowed, "somebody@example").returncode == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("printf x >>data/report/report.md", "data/report/report.md"),
        ("rm data/report/report.md", "manifest-sha256.txt"),
        ("printf x >data/added.txt", "data: files are not those"),
        ("printf x >added.txt", ".: files are not those"),
        ("printf x >signatures/added.txt", "signatures: other files"),
        ("ln -s /etc/hostname data/link", "data: files are not those"),
        ("sed -i '$d' data/custody/custody.jsonl", "bag-info.txt pins"),
        ("sed -i '2d' data/custody/custody.jsonl", "line 2 does not hold the hash"),
        ("cp verify.sh signatures/tagmanifest-sha256.txt.sig", "is not a signature"),
    ],
)
def test_the_script_sees(sealed: Sealed, tmp_path: Path, change: str, told: str) -> None:
    need("ssh-keygen")
    package = sealed.copy(tmp_path / "package")
    subprocess.run(["sh", "-c", change], cwd=package, check=True)
    done = script(package)
    assert done.returncode == 4
    assert told in done.stdout


def test_the_script_tells_that_a_package_is_unsigned(sealed: Sealed, allowed: Path, tmp_path: Path) -> None:
    package = sealed.copy(tmp_path / "package")
    shutil.rmtree(package / "signatures")
    assert "unsigned: detects accident, not an attacker" in script(package).stdout
    assert script(package, allowed, "auditor@example").returncode == 4


def test_the_script_is_posix() -> None:
    path = Path(__file__).parents[2] / "forensics" / "package" / "verify.sh"
    done = call(need("shellcheck"), "--shell=sh", path, cwd=path.parent)
    assert done.returncode == 0, done.stdout
