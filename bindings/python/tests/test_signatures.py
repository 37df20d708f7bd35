"""Who made a set: signers, and the demand for them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import azs_backup
import pytest
from azs_backup import Backup, BackupSet, EncryptionCertificate, FolderShare, Opener, Place, Signer, SignerCertificate, list_sets
from conftest import PASSWORD, VECTORS

SIGNATURES = VECTORS / "signatures"


@pytest.fixture
def signer() -> Signer:
    return Signer.load(SIGNATURES / "hlh01.pfx", PASSWORD)


def test_a_signed_set_meets_the_demand_for_its_signer_alone(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, opener: Opener, signer: Signer, tmp_path: Path
) -> None:
    with Backup(share, place, certificates=certificate, signer=signer) as backup:
        backup.add_bytes("tor1", b"hostname tor1")
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    assert found.signature().signer == signer.facts
    assert found.require_signers(signer.certificate) == found.signature()
    # Any iterable will do.
    assert found.verify(require_signers=iter([signer.certificate])).is_sound
    assert found.restore(opener, tmp_path / "new", require_signers=signer.certificate).signature.state == "signed"
    (listed,) = list_sets(share, place.deployment, require_signers=signer.certificate)
    assert listed.is_complete and listed.signature == found.signature()

    other = SignerCertificate.load(SIGNATURES / "hlh01-next.cer")
    with pytest.raises(azs_backup.NotTrustedError) as raised:
        found.restore(opener, tmp_path / "nothing", require_signers=other)
    assert (raised.value.code, raised.value.set) == ("NOT_TRUSTED", str(found.cover.set))
    assert not (tmp_path / "nothing").exists()
    (listed,) = list_sets(share, place.deployment, require_signers=[other])
    assert (listed.state, listed.cover) == ("untrusted", None)
    assert listed.reason is not None and "not one of the signers demanded" in listed.reason


def test_an_empty_demand_is_a_mistake_and_none_demands_nothing(share: FolderShare, backup: Backup, opener: Opener) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    path = "tor1/running-config"
    calls: list[Any] = [
        lambda **demand: list_sets(share, "contoso.com/nyc", **demand),
        lambda **demand: found.verify(**demand),
        lambda **demand: found.verify_full(opener, **demand),
        lambda **demand: found.restore_bytes(opener, path, **demand),
    ]
    for call in calls:
        with pytest.raises(azs_backup.InvalidArgumentError, match="require_signers: an empty list"):
            call(require_signers=[])
        call(require_signers=None)
    with pytest.raises(azs_backup.InvalidArgumentError, match="require_signers: an empty list"):
        found.require_signers([])


def test_other_types_are_refused(
    share: FolderShare, place: Place, certificate: EncryptionCertificate, backup: Backup, signer: Signer
) -> None:
    assert backup.report is not None
    found = BackupSet.open(share, backup.report.folder)
    demands: list[Any] = ["hlh01.cer", b"cer", certificate, signer, [certificate], [None], 1]
    for demand in demands:
        with pytest.raises(TypeError):
            found.verify(require_signers=demand)
        with pytest.raises(TypeError):
            list_sets(share, place.deployment, require_signers=demand)
    signers: list[Any] = ["hlh01.pfx", b"pfx", certificate, signer.certificate, [signer]]
    for wrong in signers:
        with pytest.raises(TypeError):
            Backup(share, place, certificates=certificate, signer=wrong)
    with pytest.raises(TypeError):
        Signer()  # type: ignore[call-arg, unused-ignore]
    with pytest.raises(TypeError):
        SignerCertificate.from_cer("a path")  # type: ignore[arg-type]


def test_an_expired_signer_signs_nothing_unless_allowed(share: FolderShare, place: Place, certificate: EncryptionCertificate) -> None:
    expired = Signer.load(SIGNATURES / "expired.pfx", PASSWORD)
    for check in (expired.check_validity, lambda: Backup(share, place, certificates=certificate, signer=expired)):
        with pytest.raises(azs_backup.CertificateExpiredError):
            check()
    assert list(list_sets(share, place.deployment)) == []
    Backup(share, place, certificates=certificate, signer=expired, allow_expired_certificates=True).abandon()


def test_a_signer_shows_no_secret(signer: Signer) -> None:
    data = (SIGNATURES / "hlh01.pfx").read_bytes()
    with pytest.raises(azs_backup.WrongPasswordError) as raised:
        Signer.from_pfx(data, "a secret that is wrong")
    assert "a secret" not in repr(raised.value) + str(raised.value.causes)
    assert "thumbprint" in repr(signer) and PASSWORD not in repr(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)
    again = pickle.loads(pickle.dumps(signer.certificate))
    assert again == signer.certificate and hash(again) == hash(signer.certificate)
    assert again != SignerCertificate.load(SIGNATURES / "hlh01-next.cer")
    assert signer == Signer.from_pfx(data, PASSWORD) and again != signer
    assert repr(again).startswith("<SignerCertificate")


def test_a_review_demands_signers_by_its_configuration(share: FolderShare, backup: Backup, signer: Signer) -> None:
    configuration: dict[str, Any] = {
        "root": r"\\fs.contoso.com\AzSBackups",
        "deployment": {"external_domain_name": "contoso.com", "region": "nyc"},
    }
    found = [finding.rule for finding in azs_backup.review(configuration, share).findings]
    assert "SET_NOT_TRUSTED" not in found
    pem = (SIGNATURES / "with-its-key.pem").read_text(encoding="ascii").split("-----BEGIN PRIVATE")[0]
    configuration["signer_certificates"] = [pem]
    found = [finding.rule for finding in azs_backup.review(configuration, share).findings]
    assert "SET_NOT_TRUSTED" in found
