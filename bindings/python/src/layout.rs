//! Names and places: parsed by the core, compared, hashed, pickled and printed as their text.

use azs_backup::layout as core;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyString, PyTuple};

use crate::argument::Time;
use crate::error::Raise;
use crate::package::datetime;

/// The caller's text: `str`, or the type itself.
macro_rules! parsed {
    ($type:ident) => {
        impl<'py> FromPyObject<'_, 'py> for $type {
            type Error = PyErr;

            fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
                if let Ok(known) = object.cast::<Self>() {
                    return Ok(known.get().clone());
                }
                if !object.is_instance_of::<PyString>() {
                    let name = object.get_type().name()?;
                    return Err(PyTypeError::new_err(format!(
                        concat!("expected ", stringify!($type), " or its text, not {}"),
                        name
                    )));
                }
                object.extract::<PyBackedStr>()?.parse().raise().map(Self)
            }
        }
    };
}

fn repr(py: Python<'_>, class: &str, texts: &[String]) -> PyResult<String> {
    let texts: PyResult<Vec<_>> =
        texts.iter().map(|text| Ok(PyString::new(py, text).repr()?.to_string())).collect();
    Ok(format!("{class}({})", texts?.join(", ")))
}

/// A class that parses its text and prints it; `own` are its methods.
macro_rules! text_class {
    ($(#[$doc:meta])+ $type:ident { $($own:tt)* }) => {
        $(#[$doc])+
        #[pyclass(frozen, eq, ord, hash, module = "azs_backup")]
        #[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub(crate) struct $type(pub(crate) core::$type);

        parsed!($type);

        #[pymethods]
        impl $type {
            #[new]
            fn new(text: Self) -> Self {
                text
            }

            fn __str__(&self) -> String {
                self.0.to_string()
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                repr(py, stringify!($type), &[self.0.to_string()])
            }

            fn __getnewargs__(&self) -> (String,) {
                (self.0.to_string(),)
            }

            $($own)*
        }
    };
}

text_class! {
    /// Where a share is, and a folder in it: `\\fileserver01.contoso.com\AzSBackups\contoso.com`.
    ///
    /// It parses text as people write it, and prints one normal form. Raises `InvalidNameError`, or
    /// `ReservedPathError` for a path into `MASBackup`.
    ///
    /// >>> path = UncPath("//fs.contoso.com/AzSBackups/contoso.com/")
    /// >>> print(path, path.host, path.share, path.folders)
    /// \\fs.contoso.com\AzSBackups\contoso.com fs.contoso.com AzSBackups contoso.com
    /// >>> path / "nyc"
    /// UncPath('\\\\fs.contoso.com\\AzSBackups\\contoso.com\\nyc')
    UncPath {
        /// The file server.
        #[getter]
        fn host(&self) -> Host {
            Host(self.0.host().clone())
        }

        /// The share's name.
        #[getter]
        fn share(&self) -> &str {
            self.0.share()
        }

        /// The folders below the share.
        #[getter]
        fn folders(&self) -> SharePath {
            SharePath(self.0.folders().clone())
        }

        /// The folder above it; `None` for the share itself.
        #[getter]
        fn parent(&self) -> Option<Self> {
            self.0.parent().map(Self)
        }

        /// The form that Windows uses without interpreting it: `\\?\UNC\…`.
        #[getter]
        fn verbatim(&self) -> String {
            self.0.to_verbatim()
        }

        /// Whether the share is an administrative one: `C$`.
        #[getter]
        fn is_administrative(&self) -> bool {
            self.0.is_administrative()
        }

        /// Length in UTF-16 code units, as Windows counts.
        #[getter]
        fn len_utf16(&self) -> usize {
            self.0.len_utf16()
        }

        /// Returns this path continued by another.
        fn join(&self, path: SharePath) -> Self {
            Self(self.0.join(&path.0))
        }

        fn __truediv__(&self, path: SharePath) -> Self {
            self.join(path)
        }

        /// Whether both are the same place, ignoring letter case.
        fn same_place(&self, other: Self) -> bool {
            self.0.same_place(&other.0)
        }
    }
}

text_class! {
    /// A path on the share, relative to its root: `contoso.com/nyc/Switches`.
    ///
    /// >>> SharePath("contoso.com\\nyc").names
    /// (Name('contoso.com'), Name('nyc'))
    SharePath {
        /// Its names from the top down.
        #[getter]
        fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
            PyTuple::new(py, self.0.names().iter().cloned().map(Name))
        }

        /// The folder above it; `None` for the root.
        #[getter]
        fn parent(&self) -> Option<Self> {
            self.0.parent().map(Self)
        }

        /// Its last name; `None` for the root.
        #[getter]
        fn file_name(&self) -> Option<Name> {
            self.0.file_name().cloned().map(Name)
        }

        /// Whether it is the root.
        #[getter]
        fn is_root(&self) -> bool {
            self.0.is_root()
        }

        /// Length in UTF-16 code units, as Windows counts.
        #[getter]
        fn len_utf16(&self) -> usize {
            self.0.len_utf16()
        }

        /// Returns this path continued by another.
        fn join(&self, path: Self) -> Self {
            Self(self.0.join_path(&path.0))
        }

        fn __truediv__(&self, path: Self) -> Self {
            self.join(path)
        }

        /// Whether both are the same place, ignoring letter case.
        fn same_place(&self, other: Self) -> bool {
            self.0.same_place(&other.0)
        }
    }
}

text_class! {
    /// A name on a share. It follows the rules of Windows and is not `MASBackup`.
    Name {
        /// Whether both are the same name, ignoring letter case.
        fn same_name(&self, other: Self) -> bool {
            self.0.same_name(&other.0)
        }
    }
}

text_class! {
    /// A file server, by name or address.
    ///
    /// >>> Host("10.0.0.2").kind
    /// 'ipv4'
    Host {
        /// How it is written: `fqdn`, `single_label`, `ipv4` or `ipv6`.
        #[getter]
        fn kind(&self) -> &'static str {
            self.0.kind().as_str()
        }

        /// Its address, if it is written as one.
        #[getter]
        fn ip(&self) -> Option<String> {
            self.0.ip().map(|ip| ip.to_string())
        }

        /// The scope of a link-local address.
        #[getter]
        fn scope_id(&self) -> Option<u32> {
            self.0.scope_id()
        }

        /// What a resolver accepts.
        #[getter]
        fn address(&self) -> String {
            self.0.to_address()
        }

        /// Whether it is this machine.
        #[getter]
        fn is_loopback(&self) -> bool {
            self.0.is_loopback()
        }

        /// Whether both are written alike, ignoring letter case. Nothing is resolved.
        fn same_host(&self, other: Self) -> bool {
            self.0.same_host(&other.0)
        }
    }
}

text_class! {
    /// What is backed up: `HLH`, `Switches`, `DeploymentData`, `Registration`, or another name.
    ///
    /// >>> Component("switches"), Component("switches").is_known
    /// (Component('Switches'), True)
    Component {
        /// Whether it is one of the four that the documentation names.
        #[getter]
        fn is_known(&self) -> bool {
            core::Component::KNOWN.contains(&self.0)
        }
    }
}

text_class! {
    /// An instance of a component, if a region has several.
    ScaleUnit {}
}

text_class! {
    /// The name of a set's folder: `20261123T020000Z-7f3a91c2`, its time in UTC and a random suffix.
    ///
    /// >>> SetName("20261123T020000Z-7f3a91c2").created.isoformat()
    /// '2026-11-23T02:00:00+00:00'
    SetName {
        /// Returns the name of a set that begins at this time; drops the fraction of a second.
        #[staticmethod]
        #[pyo3(signature = (created, suffix))]
        fn at(created: Time, suffix: u32) -> PyResult<Self> {
            core::SetName::new(created.0, suffix).raise().map(Self)
        }

        /// When the set began, to the second.
        #[getter]
        fn created<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            datetime(py, self.0.created())
        }

        /// The random suffix.
        #[getter]
        fn suffix(&self) -> u32 {
            self.0.suffix()
        }
    }
}

/// A deployment: its external domain name and its region.
///
/// >>> Deployment("contoso.com", "nyc").fqdn
/// 'nyc.contoso.com'
#[pyclass(frozen, eq, ord, hash, module = "azs_backup")]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Deployment(pub(crate) core::Deployment);

parsed!(Deployment);

#[pymethods]
impl Deployment {
    #[new]
    fn new(external_domain_name: PyBackedStr, region: PyBackedStr) -> PyResult<Self> {
        core::Deployment::new(&*external_domain_name, &*region).raise().map(Self)
    }

    /// Parses what a deployment prints: `contoso.com/nyc`.
    #[staticmethod]
    fn parse(text: Self) -> Self {
        text
    }

    /// The external domain name: `contoso.com`.
    #[getter]
    fn external_domain_name(&self) -> Name {
        Name(self.0.external_domain_name().clone())
    }

    /// The region: `nyc`.
    #[getter]
    fn region(&self) -> Name {
        Name(self.0.region().clone())
    }

    /// The deployment's fully qualified domain name: `nyc.contoso.com`.
    #[getter]
    fn fqdn(&self) -> String {
        self.0.fqdn()
    }

    /// The region folder: it contains the deployment's backups.
    #[getter]
    fn region_folder(&self) -> SharePath {
        SharePath(self.0.region_folder())
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (domain, region) = self.__getnewargs__();
        repr(py, "Deployment", &[domain, region])
    }

    fn __getnewargs__(&self) -> (String, String) {
        (self.0.external_domain_name().to_string(), self.0.region().to_string())
    }
}

/// Where sets are: a deployment, a component, and a scale unit if there are several.
///
/// >>> print(Place(Deployment("contoso.com", "nyc"), "Switches").folder)
/// contoso.com/nyc/Switches
#[pyclass(frozen, eq, ord, hash, module = "azs_backup")]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place(pub(crate) core::Place);

parsed!(Place);

#[pymethods]
impl Place {
    #[new]
    #[pyo3(signature = (deployment, component, scale_unit=None))]
    fn new(deployment: Deployment, component: Component, scale_unit: Option<ScaleUnit>) -> Self {
        let place = core::Place::new(deployment.0, component.0);
        Self(match scale_unit {
            Some(scale_unit) => place.with_scale_unit(scale_unit.0),
            None => place,
        })
    }

    /// Parses what a place prints: `contoso.com/nyc/Switches`.
    #[staticmethod]
    fn parse(text: Self) -> Self {
        text
    }

    /// The deployment.
    #[getter]
    fn deployment(&self) -> Deployment {
        Deployment(self.0.deployment().clone())
    }

    /// The component.
    #[getter]
    fn component(&self) -> Component {
        Component(self.0.component().clone())
    }

    /// The scale unit, if there is one.
    #[getter]
    fn scale_unit(&self) -> Option<ScaleUnit> {
        self.0.scale_unit().cloned().map(ScaleUnit)
    }

    /// The folder on the share that contains its sets.
    #[getter]
    fn folder(&self) -> SharePath {
        SharePath(self.0.folder())
    }

    /// Returns the folder of the set with this name.
    fn set_folder(&self, set: SetName) -> SharePath {
        SharePath(self.0.set_folder(&set.0))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        repr(py, "Place.parse", &[self.0.to_string()])
    }

    fn __getnewargs__(&self) -> (Deployment, Component, Option<ScaleUnit>) {
        (self.deployment(), self.component(), self.scale_unit())
    }
}

/// Whether a name is `MASBackup`, or one that Windows takes for it. That folder belongs to Azure Stack Hub.
///
/// >>> is_mas_backup("masbackup."), is_mas_backup("Switches")
/// (True, False)
#[pyfunction]
pub(crate) fn is_mas_backup(name: PyBackedStr) -> bool {
    core::is_mas_backup(&name)
}

/// Whether an object is one of these types, which are text in plain data.
pub(crate) fn is_text_type(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<UncPath>()
        || object.is_instance_of::<SharePath>()
        || object.is_instance_of::<Name>()
        || object.is_instance_of::<Host>()
        || object.is_instance_of::<Component>()
        || object.is_instance_of::<ScaleUnit>()
        || object.is_instance_of::<SetName>()
}
