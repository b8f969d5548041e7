//! Inputs named by URLs: `file://` is a path; `s3://`, `gs://` and `az://` are read through the `object_store` crate where
//! the program was built with those features. An object is read in ranges, front to back, as one unit.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[cfg(not(feature = "object-store"))]
use super::ReadOptions;
#[cfg(not(feature = "object-store"))]
use super::walk::FoundFiles;
#[cfg(not(feature = "object-store"))]
use crate::error::CorpusError;

/// Settings of stores that hold for the whole program.
static STORES: OnceLock<Vec<(String, String)>> = OnceLock::new();

/// Settings and credentials of object stores for everything this program reads, as the `object_store` crate names them in lower case
/// (`aws_region`, `aws_endpoint`, `google_service_account`, `azure_storage_account_name`, …); those of
/// [`ReadOptions`](super::ReadOptions) go before them. The first call counts: who owns the process says it once, at the start.
pub fn use_stores(settings: Vec<(String, String)>) {
    drop(STORES.set(settings));
}

/// The scheme of a URL: letters before `://`.
fn scheme(path: &Path) -> Option<(&str, &str)> {
    let (scheme, rest) = path.to_str()?.split_once("://")?;
    let letters = scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    letters.then_some((scheme, rest))
}

/// True when a path is the URL of an object in a store, or of a folder of such.
pub fn is_remote(path: &Path) -> bool {
    scheme(path).is_some_and(|(scheme, _)| scheme != "file")
}

/// The path that a `file://` URL names; any other path as it is.
pub(super) fn local(path: &Path) -> PathBuf {
    match scheme(path) {
        Some(("file", rest)) => {
            let rest = rest.strip_prefix("localhost").unwrap_or(rest);
            PathBuf::from(percent_decoded(rest))
        }
        _ => path.to_path_buf(),
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(not(feature = "object-store"))]
pub(super) fn files(path: &Path, _: &ReadOptions) -> Result<FoundFiles, CorpusError> {
    Err(CorpusError::NoStore { url: path.to_string_lossy().into_owned() })
}

#[cfg(not(feature = "object-store"))]
pub(super) fn open(path: &Path, _: &ReadOptions) -> std::io::Result<Box<dyn std::io::Read + Send>> {
    Err(std::io::Error::other(CorpusError::NoStore { url: path.to_string_lossy().into_owned() }))
}

/// What tells the objects below a URL from any others: their names, sizes and tags, a line each, in path order.
///
/// # Errors
/// [`CorpusError::NoStore`] in a program without the store's feature.
#[cfg(not(feature = "object-store"))]
pub fn identity(path: &Path, _: &ReadOptions) -> Result<String, CorpusError> {
    Err(CorpusError::NoStore { url: path.to_string_lossy().into_owned() })
}

#[cfg(feature = "object-store")]
pub use store::identity;
#[cfg(feature = "object-store")]
pub(super) use store::{files, open};

#[cfg(feature = "object-store")]
mod store {
    use std::io::{Error, Read, Result};
    use std::path::{Path, PathBuf};

    use object_store::path::Path as Key;
    use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
    use tokio::runtime::{Builder, Runtime};

    use super::super::ReadOptions;
    use super::super::walk::{Found, FoundFiles, kind_of};
    use crate::error::CorpusError;

    /// Bytes asked for at once.
    const RANGE: u64 = 8 << 20;

    struct Place {
        store: Box<dyn ObjectStore>,
        key: Key,
        runtime: Runtime,
    }

    fn place(path: &Path, options: &ReadOptions) -> Result<Place> {
        let text = path.to_string_lossy();
        let url = url::Url::parse(&text).map_err(Error::other)?;
        let stores = super::STORES.get().into_iter().flatten();
        let settings = stores.chain(&options.store).map(|(key, value)| (key.as_str(), value.as_str()));
        let (store, key) = object_store::parse_url_opts(&url, settings).map_err(Error::other)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Place { store, key, runtime })
    }

    /// The objects below a URL, in path order, with the key of the URL.
    fn list(path: &Path, options: &ReadOptions) -> std::result::Result<(Vec<ObjectMeta>, Key), CorpusError> {
        let fail = |error: Error| CorpusError::io(path, "list", error);
        let place = place(path, options).map_err(fail)?;
        let mut objects = Vec::new();
        if let Ok(object) = place.runtime.block_on(place.store.head(&place.key)) {
            objects.push(object);
        }
        let mut folders = if objects.is_empty() { vec![place.key.clone()] } else { Vec::new() };
        while let Some(folder) = folders.pop() {
            let listing = place.store.list_with_delimiter(Some(&folder));
            let listed = place.runtime.block_on(listing).map_err(|error| fail(Error::other(error)))?;
            objects.extend(listed.objects);
            folders.extend(listed.common_prefixes);
        }
        if objects.is_empty() {
            return Err(CorpusError::Missing { path: path.to_path_buf() });
        }
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok((objects, place.key))
    }

    /// What tells the objects below a URL from any others: their names, sizes and tags (or times), a line each, in path order.
    ///
    /// # Errors
    /// [`CorpusError::Missing`], [`CorpusError::Io`] when the store does not answer.
    pub fn identity(path: &Path, options: &ReadOptions) -> std::result::Result<String, CorpusError> {
        let line = |object: &ObjectMeta| {
            let tag = object.e_tag.clone().unwrap_or_else(|| object.last_modified.to_rfc3339());
            format!("{} {} {tag}\n", object.location, object.size)
        };
        Ok(list(path, options)?.0.iter().map(line).collect())
    }

    /// The files among the objects below a URL, in path order.
    pub(in crate::read) fn files(path: &Path, options: &ReadOptions) -> std::result::Result<FoundFiles, CorpusError> {
        let (objects, key) = list(path, options)?;
        let text = path.to_string_lossy();
        let root = text.strip_suffix(key.as_ref()).or_else(|| text.strip_suffix('/')).unwrap_or(&text).to_string();
        let root = root.strip_suffix(key.as_ref()).unwrap_or(&root).trim_end_matches('/').to_string();
        let mut found = FoundFiles::default();
        for object in objects {
            let name = object.location.filename().unwrap_or_default().to_string();
            let Some((format, packing)) = kind_of(Path::new(&name)) else {
                found.other_files += 1;
                continue;
            };
            let below = object.location.as_ref().strip_prefix(key.as_ref()).unwrap_or_default();
            let relative = below.trim_start_matches('/');
            found.files.push(Found {
                path: PathBuf::from(format!("{root}/{}", object.location)),
                relative: if relative.is_empty() { name } else { relative.to_string() },
                format,
                packing,
                size: object.size,
            });
        }
        Ok(found)
    }

    /// An object as a stream.
    pub(in crate::read) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Read + Send>> {
        let place = place(path, options)?;
        let head = place.runtime.block_on(place.store.head(&place.key)).map_err(Error::other)?;
        Ok(Box::new(Object { place, size: head.size, asked: 0, bytes: bytes::Bytes::new() }))
    }

    struct Object {
        place: Place,
        size: u64,
        asked: u64,
        bytes: bytes::Bytes,
    }

    impl Read for Object {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            if self.bytes.is_empty() && self.asked < self.size {
                let end = (self.asked + RANGE).min(self.size);
                let range = self.place.store.get_range(&self.place.key, self.asked..end);
                self.bytes = self.place.runtime.block_on(range).map_err(Error::other)?;
                self.asked = end;
            }
            let read = self.bytes.len().min(buffer.len());
            buffer[..read].copy_from_slice(&self.bytes.split_to(read));
            Ok(read)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The store of local files stands for the others: the same calls, another scheme.
    #[cfg(feature = "object-store")]
    #[test]
    fn objects_are_listed_and_read() {
        use std::io::Read;
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        std::fs::write(dir.path().join("b/x.txt"), "In a folder.").unwrap();
        let long = "A line of a long object.\n".repeat(1_000_000);
        std::fs::write(dir.path().join("a.jsonl"), &long).unwrap();
        std::fs::write(dir.path().join("c.png"), "no").unwrap();
        let url = format!("file://{}", dir.path().display());
        let options = ReadOptions::default();
        let found = files(Path::new(&url), &options).unwrap();
        let names: Vec<&str> = found.files.iter().map(|file| file.relative.as_str()).collect();
        assert_eq!((names, found.other_files), (vec!["a.jsonl", "b/x.txt"], 1));
        let mut text = String::new();
        open(&found.files[0].path, &options).unwrap().read_to_string(&mut text).unwrap();
        assert!(text == long);
        let told = identity(Path::new(&url), &options).unwrap();
        assert!(told.lines().count() == 3 && told.contains("b/x.txt 12 "), "{told}");
        let one = files(&found.files[1].path, &options).unwrap();
        assert_eq!((one.files.len(), one.files[0].relative.as_str()), (1, "x.txt"));
        assert!(files(Path::new(&format!("{url}/nothing")), &options).is_err());
    }

    #[test]
    fn urls_of_files_are_paths() {
        assert_eq!(local(Path::new("file:///a/b%20c.txt")), Path::new("/a/b c.txt"));
        assert_eq!(local(Path::new("a:b/c.txt")), Path::new("a:b/c.txt"));
        assert!(is_remote(Path::new("s3://bucket/key")) && !is_remote(Path::new("file:///a")));
        assert!(!is_remote(Path::new("C://x")) && !is_remote(Path::new("plain/path")));
    }
}
