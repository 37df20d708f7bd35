//! The signers that the configuration demands.

use super::configuration::Configuration;
use super::findings::{Findings, shown};
use crate::signature::{Demand, SignerCertificate};

/// Returns what sets have to be signed by. A signer that cannot be read is a finding, and signed nothing.
pub(super) fn demand(configuration: &Configuration, findings: &mut Findings) -> Demand {
    if configuration.signer_certificates.is_empty() {
        return Demand::default();
    }
    let mut signers = Vec::new();
    for (at, cer) in configuration.signer_certificates.iter().enumerate().take(MOST) {
        match SignerCertificate::from_cer(cer.as_bytes()) {
            Ok(signer) => signers.push(signer),
            Err(e) => {
                let seen = format!("signer_certificates[{at}]: {}", shown(&e.to_string()));
                findings.add("SIGNER_CERTIFICATE_UNSUITABLE", "configuration", seen);
            }
        }
    }
    Demand::one_of(&signers)
}

const MOST: usize = 64;
