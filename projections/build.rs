//! New migration files make the embedded list new.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
