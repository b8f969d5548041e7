//! A library of prompt templates as promptsource (Bach et al. 2022) writes them: YAML files, one a data set, alone, in a
//! folder, or in a tar archive (packed by zstd or gzip as well).

use std::io::Read;
use std::path::{Path, PathBuf};

use lang::jinja::PromptTemplate;

use super::yaml::{self, Node, Yaml};
use crate::CorpusError;

/// Bytes of the largest archive, unpacked.
const LARGEST: u64 = 1 << 30;
/// Stands between prompt and answer, and between answer choices.
pub(super) const SEPARATOR: &str = "|||";

/// One template of a library.
#[derive(Clone, Debug)]
pub struct TaskTemplate {
    /// The data set it is for: the path of its file, as `super_glue/cb`.
    pub dataset: String,
    /// Its name among the templates of the data set.
    pub name: String,
    /// How answers are measured (`Accuracy`, `ROUGE`, …).
    pub metrics: Vec<String>,
    /// Whether the prompt lists the answers there are.
    pub choices_in_prompt: bool,
    /// Whether it asks for what the data set was made for.
    pub original_task: bool,
    /// ISO 639-1 codes.
    pub languages: Vec<String>,
    /// The Jinja source.
    pub source: String,
    /// The Jinja source of the answer choices.
    pub choices_source: Option<String>,
    pub(super) template: PromptTemplate,
    pub(super) choices: Option<PromptTemplate>,
}

/// Templates, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// The templates, by file and in the order of the file.
    pub templates: Vec<TaskTemplate>,
    /// Templates that are no Jinja or lack a part, each named with file and line.
    pub faults: Vec<String>,
}

impl Library {
    /// Reads `path`: a YAML file, a folder of them, or an archive of them.
    ///
    /// # Errors
    /// It cannot be read, or has no template.
    pub fn load(path: &Path) -> Result<Library, CorpusError> {
        let mut library = Library::default();
        for (name, text) in files(path)? {
            library.add(&name, &text);
        }
        match library.templates.is_empty() {
            true => {
                let first = library.faults.first().map(|fault| format!("; first: {fault}")).unwrap_or_default();
                let problem = format!("there is no prompt template in it{first}");
                Err(CorpusError::NoTemplate { path: path.to_owned(), problem })
            }
            false => Ok(library),
        }
    }

    /// The templates for `dataset`, of this `name` where one is given.
    pub fn of<'a>(&'a self, dataset: &'a str, name: Option<&'a str>) -> impl Iterator<Item = &'a TaskTemplate> {
        self.templates.iter().filter(move |template| {
            (dataset.is_empty() || template.dataset == dataset) && name.is_none_or(|name| template.name == name)
        })
    }

    fn add(&mut self, file: &str, text: &str) {
        let root = match yaml::read(text) {
            Ok(root) => root,
            Err((line, problem)) => return self.faults.push(format!("{file}:{line}: {problem}")),
        };
        let Some(Node { value: Yaml::Map(templates), .. }) = root.get("templates") else {
            return self.faults.push(format!("{file}: it has no templates"));
        };
        // In an archive or a folder the data set is where the file stands; a file alone says it itself.
        let place = file.trim_end_matches("templates.yaml").trim_matches('/');
        let own = |name: &str| root.get(name).and_then(Node::text).map(str::to_owned);
        let dataset = match (file.ends_with("/templates.yaml"), own("dataset"), own("subset")) {
            (true, _, _) => place.strip_prefix("./").unwrap_or(place).to_owned(),
            (false, Some(dataset), Some(subset)) => format!("{dataset}/{subset}"),
            (false, Some(dataset), None) => dataset,
            (false, None, _) => place.to_owned(),
        };
        for (id, node) in templates {
            match task(&dataset, id, node) {
                Ok(template) => self.templates.push(template),
                Err((line, problem)) => self.faults.push(format!("{file}:{line}: {problem}")),
            }
        }
    }
}

fn task(dataset: &str, id: &str, node: &Node) -> Result<TaskTemplate, (usize, String)> {
    let text = |name: &str| node.get(name).and_then(Node::text);
    let Some(jinja) = node.get("jinja") else {
        return Err((node.line, format!("template {id} has no jinja")));
    };
    let name = text("name").unwrap_or(id).to_owned();
    let compile = |source: &str, line: usize| {
        PromptTemplate::new(source).map_err(|error| (line, format!("template {name} is no Jinja: {error}")))
    };
    let source = jinja.text().unwrap_or_default().to_owned();
    let choices_source = text("answer_choices").filter(|text| !text.is_empty()).map(str::to_owned);
    let metadata = node.get("metadata");
    let words = |name: &str| match metadata.and_then(|metadata| metadata.get(name)).map(|node| &node.value) {
        Some(Yaml::List(items)) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let is_set = |name: &str| metadata.and_then(|metadata| metadata.get(name)?.text()) == Some("true");
    Ok(TaskTemplate {
        dataset: dataset.to_owned(),
        metrics: words("metrics"),
        languages: words("languages"),
        choices_in_prompt: is_set("choices_in_prompt"),
        original_task: is_set("original_task"),
        template: compile(&source, jinja.line)?,
        choices: choices_source.as_deref().map(|source| compile(source, node.line)).transpose()?,
        source,
        choices_source,
        name,
    })
}

/// The YAML files of `path` with their names.
fn files(path: &Path) -> Result<Vec<(String, String)>, CorpusError> {
    let failed = |path: &Path, source| CorpusError::io(path, "read", source);
    let mut found = Vec::new();
    if path.is_dir() {
        let mut paths = Vec::new();
        let mut open: Vec<PathBuf> = vec![path.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|source| failed(&folder, source))? {
                let entry = entry.map_err(|source| failed(&folder, source))?;
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(entry.path()),
                    Ok(kind) if kind.is_file() && is_yaml(&entry.path()) => paths.push(entry.path()),
                    _ => {}
                }
            }
        }
        paths.sort();
        for file in paths {
            let bytes = std::fs::read(&file).map_err(|source| failed(&file, source))?;
            let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().into_owned();
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
        return Ok(found);
    }
    let file = std::fs::File::open(path).map_err(|source| failed(path, source))?;
    let name = path.to_string_lossy().to_lowercase();
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match () {
        () if name.ends_with(".zst") => {
            Box::new(zstd::stream::read::Decoder::new(file).map_err(|source| failed(path, source))?)
        }
        () if name.ends_with(".gz") || name.ends_with(".tgz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        () => Box::new(file),
    };
    source.take(LARGEST).read_to_end(&mut bytes).map_err(|source| failed(path, source))?;
    if is_yaml(path) {
        return Ok(vec![(path.to_string_lossy().into_owned(), String::from_utf8_lossy(&bytes).into_owned())]);
    }
    found.extend(archived(&bytes).filter(|(name, _)| is_yaml(Path::new(name))));
    found.sort();
    Ok(found)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// The files of a tar archive (POSIX ustar) with their names, up to the first header that is none.
fn archived(bytes: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let header = bytes.get(at..at + 512).filter(|header| header[0] != 0)?;
            let text = |range: std::ops::Range<usize>| {
                let field = &header[range];
                let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
                String::from_utf8_lossy(&field[..end]).trim().to_owned()
            };
            let size = usize::from_str_radix(&text(124..136), 8).ok()?;
            let content = bytes.get(at + 512..(at + 512).checked_add(size)?)?;
            at = at + 512 + size.div_ceil(512) * 512;
            let prefix = if header.get(257..262) == Some(b"ustar") { text(345..500) } else { String::new() };
            let name = if prefix.is_empty() { text(0..100) } else { format!("{prefix}/{}", text(0..100)) };
            if matches!(header[156], b'0' | 0) {
                return Some((name, String::from_utf8_lossy(content).into_owned()));
            }
        }
    })
}
