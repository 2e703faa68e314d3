"""The container images of both versions."""

from __future__ import annotations

import hashlib

from sample_data.generator.model import VERSIONS, Pod

REPOSITORY = "registry.shop.example/checkout"


def image(cohort: str) -> str:
    """Return the image reference of a cohort."""
    return f"{REPOSITORY}:{VERSIONS[cohort]}"


def digest(cohort: str) -> str:
    """Return the invented digest of an image."""
    return "sha256:" + hashlib.sha256(image(cohort).encode()).hexdigest()


def digest_of(pod: Pod) -> str:
    """Return the digest a pod runs: another one where the tag was moved."""
    return (
        "sha256:" + hashlib.sha256(f"{image(pod.cohort)} moved".encode()).hexdigest()
        if pod.moved_tag
        else digest(pod.cohort)
    )
