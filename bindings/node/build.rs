//! Says to the linker what napi asks for.

fn main() {
    napi_build::setup();
}
