//! Things a template may hold that are neither text nor number nor list: Jinja's `joiner` and `cycler`, lists and
//! dictionaries that grow, and dice.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Rest};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::arguments::{Arguments, invalid};
use crate::rng::Rng;

/// Puts Jinja's own into `environment`.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_function("joiner", |separator: Option<String>| {
        let separator = separator.unwrap_or_else(|| ", ".to_owned());
        Value::from_object(Joiner { separator, used: false.into() })
    });
    environment
        .add_function("cycler", |items: Rest<Value>| Value::from_object(Cycler { items: items.0, at: 0.into() }));
}

/// Nothing the first time it is called, the separator ever after.
#[derive(Debug)]
struct Joiner {
    separator: String,
    used: AtomicBool,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State, _: &[Value]) -> Result<Value, Error> {
        let used = self.used.swap(true, Ordering::Relaxed);
        Ok(Value::from(if used { self.separator.as_str() } else { "" }))
    }
}

/// Its items in turn.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let at = self.at.load(Ordering::Relaxed);
        (key.as_str() == Some("current")).then(|| self.items.get(at).cloned().unwrap_or_default())
    }

    fn call_method(self: &Arc<Self>, _: &mut State, method: &str, _: &[Value]) -> Result<Value, Error> {
        match method {
            "next" => {
                let at = self.at.load(Ordering::Relaxed);
                self.at.store((at + 1) % self.items.len().max(1), Ordering::Relaxed);
                Ok(self.items.get(at).cloned().unwrap_or_default())
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(ErrorKind::UnknownMethod.into()),
        }
    }
}

/// Items of the longest list a template may make.
const LONGEST: usize = 100_000;

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is put into something that grows: a copy as it stands now, so that nothing ever holds itself.
fn settled(value: &Value) -> Value {
    if let Some(list) = value.downcast_object_ref::<List>() {
        return Value::from(held(&list.items).clone());
    }
    if let Some(dictionary) = value.downcast_object_ref::<Dictionary>() {
        return Value::from_pairs(held(&dictionary.pairs).iter().cloned());
    }
    value.clone()
}

/// A list that grows, as templates of data sets make them.
#[derive(Debug, Default)]
pub(super) struct List {
    items: Mutex<Vec<Value>>,
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        held(&self.items).get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(held(&self.items).len())
    }

    fn call_method(self: &Arc<Self>, state: &mut State, method: &str, values: &[Value]) -> Result<Value, Error> {
        state.consume_fuel(1)?;
        match method {
            "append" => {
                let [item] = Arguments::new(method, values)?.take(["object"], 1)?;
                let item = settled(&item.unwrap_or_default());
                super::check_depth(state, &item)?;
                let mut items = held(&self.items);
                if items.len() >= LONGEST {
                    return Err(invalid("the list grows too long"));
                }
                items.push(item);
            }
            "extend" => {
                let [more] = Arguments::new(method, values)?.take(["iterable"], 1)?;
                let more =
                    settled(&more.unwrap_or_default()).try_iter()?.map(|item| settled(&item)).collect::<Vec<_>>();
                state.consume_fuel(more.len() as u64)?;
                more.iter().try_for_each(|item| super::check_depth(state, item))?;
                let mut items = held(&self.items);
                if items.len() + more.len() > LONGEST {
                    return Err(invalid("the list grows too long"));
                }
                items.extend(more);
            }
            "pop" => {
                let [at] = Arguments::new(method, values)?.take(["index"], 0)?;
                let mut items = held(&self.items);
                let at = at.and_then(|at| at.as_i64()).unwrap_or(-1);
                let at = if at < 0 { at + items.len() as i64 } else { at };
                return match usize::try_from(at).ok().filter(|&at| at < items.len()) {
                    Some(at) => Ok(items.remove(at)),
                    None => Err(invalid("pop index out of range")),
                };
            }
            _ => return Err(ErrorKind::UnknownMethod.into()),
        }
        Ok(Value::from(()))
    }
}

/// A dictionary that grows.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    pairs: Mutex<Vec<(Value, Value)>>,
}

impl Dictionary {
    fn put(&self, key: Value, item: Value) -> Result<(), Error> {
        let mut pairs = held(&self.pairs);
        match pairs.iter().position(|(known, _)| *known == key) {
            Some(at) => pairs[at].1 = item,
            None if pairs.len() >= LONGEST / 10 => return Err(invalid("the dictionary grows too big")),
            None => pairs.push((key, item)),
        }
        Ok(())
    }
}

impl Object for Dictionary {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        held(&self.pairs).iter().find(|(known, _)| known == key).map(|(_, item)| item.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(held(&self.pairs).iter().map(|(key, _)| key.clone()).collect())
    }

    fn call_method(self: &Arc<Self>, state: &mut State, method: &str, values: &[Value]) -> Result<Value, Error> {
        state.consume_fuel(1)?;
        match method {
            "update" => {
                let [more] = Arguments::new(method, values)?.take(["other"], 1)?;
                let more = settled(&more.unwrap_or_default());
                for key in more.try_iter()? {
                    state.consume_fuel(held(&self.pairs).len() as u64)?;
                    let item = settled(&more.get_item(&key)?);
                    super::check_depth(state, &item)?;
                    self.put(settled(&key), item)?;
                }
                Ok(Value::from(()))
            }
            "pop" => {
                let [key, default] = Arguments::new(method, values)?.take(["key", "default"], 1)?;
                let mut pairs = held(&self.pairs);
                match (pairs.iter().position(|(known, _)| Some(known) == key.as_ref()), default) {
                    (Some(at), _) => Ok(pairs.remove(at).1),
                    (None, Some(default)) => Ok(default),
                    (None, None) => Err(invalid("the dictionary has no such key")),
                }
            }
            _ => Err(ErrorKind::UnknownMethod.into()),
        }
    }
}

/// Dice in the context of one rendering.
#[derive(Debug)]
pub(super) struct Dice(Mutex<Rng>);

impl Dice {
    /// The variable they stand in.
    pub(super) const NAME: &'static str = "__dice__";

    pub(super) fn new(rng: Rng) -> Self {
        Dice(Mutex::new(rng))
    }
}

impl Object for Dice {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// The filter `choice` of prompt templates: any one of the items.
pub(super) fn choice(state: &State, items: Value) -> Result<Value, Error> {
    let items: Vec<Value> = match items.as_str() {
        Some(text) => text.chars().map(|c| Value::from(c.to_string())).collect(),
        None => items.try_iter()?.checked().collect::<Result<_, _>>()?,
    };
    if items.is_empty() {
        return Err(invalid("cannot choose from an empty sequence"));
    }
    let dice = state.lookup(Dice::NAME).ok_or_else(|| invalid("there are no dice to choose with"))?;
    let dice = dice.downcast_object_ref::<Dice>().ok_or_else(|| invalid("there are no dice to choose with"))?;
    let at = held(&dice.0).index(items.len());
    Ok(items[at].clone())
}

/// The filter `most_frequent` of prompt templates: the items that come up most often, in order of their first time.
pub(super) fn most_frequent(state: &State, items: Value) -> Result<Value, Error> {
    let mut counts: Vec<(Value, usize)> = Vec::new();
    for item in items.try_iter()?.checked() {
        let item = item?;
        state.consume_fuel(1 + counts.len() as u64)?;
        match counts.iter_mut().find(|(known, _)| *known == item) {
            Some((_, count)) => *count += 1,
            None => counts.push((item, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max();
    Ok(counts.into_iter().filter(|(_, count)| Some(*count) == most).map(|(item, _)| item).collect())
}
