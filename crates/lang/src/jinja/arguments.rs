//! Arguments of a call in a template, by place or by name, as Python takes them.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    callee: &'a str,
    placed: &'a [Value],
    named: Option<Kwargs>,
}

impl<'a> Arguments<'a> {
    /// Those of a call of `callee`.
    pub(super) fn new(callee: &'a str, values: &'a [Value]) -> Result<Self, Error> {
        let (placed, named) = match values.split_last() {
            Some((last, before)) if last.is_kwargs() => (before, Some(Kwargs::try_from(last.clone())?)),
            _ => (values, None),
        };
        Ok(Arguments { callee, placed, named })
    }

    /// The arguments `names`, in order, of which the first `required` must be there.
    pub(super) fn take<const N: usize>(self, names: [&str; N], required: usize) -> Result<[Option<Value>; N], Error> {
        if self.placed.len() > N {
            let problem = format!("{}() takes at most {N} arguments, got {}", self.callee, self.placed.len());
            return Err(Error::new(ErrorKind::TooManyArguments, problem));
        }
        let mut out: [Option<Value>; N] = std::array::from_fn(|at| self.placed.get(at).cloned());
        if let Some(named) = &self.named {
            for (slot, name) in out.iter_mut().zip(names) {
                if slot.is_none() && named.has(name) {
                    *slot = Some(named.get(name)?);
                }
            }
            named.assert_all_used()?;
        }
        match out.iter().take(required).position(Option::is_none) {
            Some(at) => {
                let problem = format!("{}() misses its argument {}", self.callee, names[at]);
                Err(Error::new(ErrorKind::MissingArgument, problem))
            }
            None => Ok(out),
        }
    }
}

/// Something that is not what it should be.
pub(super) fn invalid(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem.into())
}

/// A text, or nothing where the argument is missing or `none`.
pub(super) fn text(value: &Option<Value>) -> Result<Option<&str>, Error> {
    match value {
        Some(value) if !value.is_none() => {
            value.as_str().map(Some).ok_or_else(|| invalid(format!("must be a string, not {}", value.kind())))
        }
        _ => Ok(None),
    }
}

/// A whole number, or nothing where the argument is missing or `none`.
pub(super) fn integer(value: &Option<Value>) -> Result<Option<i64>, Error> {
    match value {
        Some(value) if !value.is_none() => {
            value.as_i64().map(Some).ok_or_else(|| invalid(format!("must be a whole number, not {}", value.kind())))
        }
        _ => Ok(None),
    }
}
