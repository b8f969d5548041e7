//! Words that streets are made of, by where they stand: before the name (`rue`, `Calle`), after it (`Street`, `utca`), or
//! at the end of the word itself (`straße`, `gatan`).

/// Types that follow the name of a street whose number stands first or last.
pub(super) const AFTER: &str = "Street|St|Str|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy|\
    Highway|Hwy|Circle|Cir|Trail|Trl|Close|Crescent|Cres|Row|Walk|Mews|Hill|Gardens|Gdns|Grove|Alley|Plaza|Loop|Path|Pike|\
    Turnpike|Expressway|Freeway|Causeway|Crossing|Green|Rise|Vale|View|Ridge|Heights|Esplanade|Quay|Wharf|Parade|Fields|Meadow|Meadows|Mount|Broadway|\
    Squares|Cliffs|Junction|Points|Point|Shores|Springs|Spurs|Station|Streets|Summit|Track|Tunnel|Union|Unions|Valley|Via|Viaduct|Village|Views|\
    Ville|Vista|Walks|Wells|Burg|Burgs|Bypass|Camp|Canyon|Cape|Common|Corner|Corners|Course|Courts|Cove|Coves|Creek|Crest|Curve|Dale|Dam|Divide|Drives|\
    Estate|Estates|Extension|Extensions|Fall|Falls|Ferry|Field|Flat|Flats|Ford|Fords|Forest|Forge|Forges|Fork|Forks|Fort|Garden|Gateway|Glen|Glens|Greens|\
    Groves|Harbor|Harbors|Haven|Hills|Hollow|Inlet|Island|Islands|Isle|Key|Keys|Knoll|Knolls|Lake|Lakes|Land|Landing|Light|Lights|Loaf|Lock|Locks|Lodge|\
    Mall|Manor|Manors|Mill|Mills|Mission|Motorway|Mountain|Mountains|Neck|Orchard|Oval|Overpass|Park|Parks|Parkways|Pass|Passage|Pine|Pines|Plain|Plains|\
    Plazas|Port|Ports|Prairie|Radial|Ramp|Ranch|Rapid|Rapids|Rest|Ridges|River|Roads|Route|Rue|Run|Shoal|Shoals|Shore|Skyway|Spring|Spur|Stravenue|Stream|\
    Throughway|Trace|Trafficway|Underpass|Bridge|Branch|Brook|Brooks|Bluff|Bluffs|Bottom|Beach|Bend|Bayou|Arcade|Annex|Anex|Centers|Center|Circles|Club|Cliff";

/// Types that stand before the name, number after it; written small in French, Italian and Spanish too.
pub(super) const BEFORE: &[&str] = &[
    "rue",
    "avenue",
    "boulevard",
    "place",
    "chemin",
    "allée",
    "allées",
    "impasse",
    "quai",
    "cours",
    "route",
    "square",
    "passage",
    "av",
    "bd",
    "blvd",
    "calle",
    "c/",
    "avenida",
    "avda",
    "plaza",
    "paseo",
    "camino",
    "carretera",
    "ronda",
    "travesía",
    "via",
    "viale",
    "piazza",
    "corso",
    "largo",
    "vicolo",
    "piazzale",
    "strada",
    "rua",
    "travessa",
    "praça",
    "alameda",
    "estrada",
    "ul",
    "ulica",
    "al",
    "aleja",
    "pl",
    "os",
    "osiedle",
    "strada",
    "str",
    "bulevardul",
    "rruga",
    "carrer",
    "am",
    "an",
    "zum",
    "zur",
    "im",
    "unter",
    "calea",
    "ulice",
];

/// Types that are a word of their own after the name and before the number: `Berliner Straße 5`, `Petőfi utca 12`.
pub(super) const BETWEEN: &[&str] = &[
    "straße",
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "gasse",
    "ring",
    "damm",
    "ufer",
    "markt",
    "chaussee",
    "promenade",
    "utca",
    "u",
    "út",
    "útja",
    "tér",
    "tere",
    "köz",
    "sor",
    "körút",
    "krt",
    "kapu",
    "tee",
    "tänav",
    "puiestee",
    "katu",
    "tie",
    "ulice",
    "náměstí",
    "nám",
    "třída",
    "ulica",
    "trg",
    "cesta",
    "iela",
    "gatve",
    "gata",
    "gate",
    "vej",
    "allé",
    "vei",
    "väg",
    "gatan",
    "terrasse",
    "laan",
    "straat",
    "plein",
    "street",
    "road",
    "avenue",
    "drive",
    "lane",
    "rd",
    "st",
    "ave",
    "close",
    "place",
    "cesta",
    "baan",
    "wei",
    "sokak",
    "caddesi",
    "bulvarı",
];

/// Endings of one-word streets.
pub(super) const ENDINGS: &[&str] = &[
    "straße", "strasse", "strase", "str", "weg", "platz", "allee", "gasse", "ring", "damm", "ufer", "steig",
    "chaussee", "graben", "stieg", "straat", "laan", "plein", "gracht", "kade", "singel", "dijk", "steeg", "pad",
    "hove", "gatan", "vägen", "gränd", "torget", "gata", "gate", "gaten", "veien", "vegen", "vei", "veg", "vej",
    "gade", "stræde", "stræti", "straeti", "vegur", "braut", "torv", "plads", "allé", "alle", "katu", "kuja", "polku",
    "kaari", "tie", "tänav", "tee", "puiestee", "utca", "ulice", "iela", "stígur", "hólar", "gränden", "backen",
    "stigen", "stien", "bakken", "svingen", "haugen", "rodda", "hlíð", "gerði", "krogen",
];

/// Parts of a building that follow a street.
pub(super) const UNITS: &str = "Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Bldg|Building|Box|Wohnung|Whg|Etage|Stock|App|Appartement|Bât|Bâtiment|Piso|Escalera|Esc|Interno|Scala";

/// What announces an address before it.
pub(super) const CUES: &str = "address(?: is| to| with|es| linked[^:]{0,30} to)?|addresses, here they are|adresse|dirección|direccion|indirizzo|endereço|anschrift|adres|\
    lives? (?:at|on|in)|lived (?:at|on|in)|living (?:at|on)|located (?:at|on|in)|is (?:at|on|located at)|offices? (?:is|are) (?:located )?at|reside[sd]? (?:at|on|in)|\
    moved to|sent to|send (?:it |them )?to|ship(?:ped)? to|deliver(?:ed|y)? (?:it )?to|mail(?:ed)? to|meet (?:me|you|us|her|him|them) at|arrived at|\
    meeting at|taxi to|drive to|drops you off at|enter on|corner of|north side of|south side of|east side of|west side of|wohnt in|wohnhaft|habite(?: au)?|domicilié(?:e)?(?: au)?|\
    vive en|abita in|mora na|return to|it is|it's in|here's [^:\\n]{1,30} address:?|gelegen|residing at|stay(?:s|ed|ing)? at|based at|headquartered at|situated (?:at|on)";

/// Countries that close an address.
pub(super) const COUNTRIES: &str = "USA|United States(?: of America)?|US|U\\.S\\.A?\\.?|Canada|United Kingdom|UK|Great Britain|England|Scotland|Wales|Northern Ireland|Ireland|Deutschland|Germany|France|Spain|España|\
    Italy|Italia|Portugal|Netherlands(?: Antilles)?|Nederland|The Netherlands|Belgium|Belgique|België|Luxembourg|Switzerland|Schweiz|Suisse|Austria|Österreich|Poland|Polska|\
    Czech Republic|Czechia|Slovakia|Slovenia|Hungary|Romania|Bulgaria|Greece|Greenland|Cyprus(?: \\([A-Za-z]+\\))?|Denmark|Danmark|Sweden|Sverige|Norway|Norge|Finland|Suomi|Iceland|\
    Estonia|Latvia|Lithuania|Croatia|Serbia|Ukraine|Russia|Turkey|Australia|New Zealand|South Africa|Brazil|Brasil|Mexico|Argentina|Uruguay|Chile|Japan|China|India|\
    Tunisia|Morocco|Israel|Malta|Monaco|Liechtenstein";
