//! The embedded policies, named after their sources.

/// Name and text of every preset.
pub const PRESETS: &[(&str, &str)] = &[
    ("gopher", include_str!("presets/gopher.toml")),
    ("c4", include_str!("presets/c4.toml")),
    ("fineweb", include_str!("presets/fineweb.toml")),
    ("fineweb-paper", include_str!("presets/fineweb-paper.toml")),
    ("refinedweb", include_str!("presets/refinedweb.toml")),
    ("dclm", include_str!("presets/dclm.toml")),
    ("dolma", include_str!("presets/dolma.toml")),
];
