//! Shares for tests that pass most calls on to another share.

/// Passes these methods of [`Share`](azs_backup::Share) on to the share in a field.
#[allow(unused_macros)]
macro_rules! forward {
    ($share:tt: $($method:ident),+) => { $(crate::common::forward!(@$method $share);)+ };
    (@describe $share:tt) => {
        fn describe(&self) -> String {
            self.$share.describe()
        }
    };
    (@put $share:tt) => {
        fn put(&self, path: &azs_backup::layout::SharePath, content: &[u8]) -> azs_backup::Result<()> {
            self.$share.put(path, content)
        }
    };
    (@read $share:tt) => {
        fn read(
            &self,
            path: &azs_backup::layout::SharePath,
            limit: u64,
            buffer: &mut Vec<u8>,
        ) -> azs_backup::Result<()> {
            self.$share.read(path, limit, buffer)
        }
    };
    (@list $share:tt) => {
        fn list(
            &self,
            folder: &azs_backup::layout::SharePath,
        ) -> azs_backup::Result<Vec<azs_backup::share::Item>> {
            self.$share.list(folder)
        }
    };
    (@copy $share:tt) => {
        fn copy(
            &self,
            object: &azs_backup::layout::SharePath,
            name: &azs_backup::layout::SharePath,
        ) -> azs_backup::Result<()> {
            self.$share.copy(object, name)
        }
    };
    // Methods that take a path and return nothing.
    (@$method:ident $share:tt) => {
        fn $method(&self, path: &azs_backup::layout::SharePath) -> azs_backup::Result<()> {
            self.$share.$method(path)
        }
    };
}

#[allow(unused_imports)]
pub(crate) use forward;
