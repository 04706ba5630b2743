//! Conversion of errors of `core` to JavaScript errors, with the properties that `lib/` reads.

use napi::bindgen_prelude::*;

use crate::core;

/// Returns the JavaScript exception for an error of `core`.
pub fn to_js(env: &Env, error: &core::Error) -> Error {
    match build(env, error) {
        Ok(error) | Err(error) => error,
    }
}

fn build(env: &Env, error: &core::Error) -> Result<Error> {
    let mut object = env.create_error(Error::from_reason(error.to_string()))?;
    match error {
        core::Error::System {
            errno,
            syscall,
            path,
            hint,
        } => {
            object.set_named_property("code", ())?;
            object.set_named_property("errno", *errno)?;
            object.set_named_property("syscall", *syscall)?;
            set(&mut object, "path", path.as_deref())?;
            set(&mut object, "hint", hint.as_deref())?;
        }
        core::Error::Rule {
            code,
            message,
            path,
            kind,
            offset,
            reason,
        } => {
            object.set_named_property("code", *code)?;
            object.set_named_property("message", message.as_str())?;
            set(&mut object, "path", path.as_deref())?;
            set(&mut object, "kind", *kind)?;
            set(&mut object, "reason", *reason)?;
            if let Some(offset) = offset {
                object.set_named_property("offset", *offset as f64)?;
            }
        }
    }
    Ok(Error::from(object.to_unknown()))
}

/// Sets a property, unless the value is none.
fn set(object: &mut Object<'_>, name: &str, value: Option<&str>) -> Result<()> {
    value.map_or(Ok(()), |value| object.set_named_property(name, value))
}
