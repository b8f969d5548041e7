//! Small texts in languages that the corpus does not want: German, French, Spanish, Italian, Portuguese, Russian, Japanese.

use crate::template::fill;
use lang::rng::Rng;

/// Sentences of one language; `{n}` a name, `{c}` a town, `{t}` a thing, `{k}` a number.
struct Tongue {
    sentences: &'static [&'static str],
    names: &'static [&'static str],
    towns: &'static [&'static str],
    things: &'static [&'static str],
    gap: &'static str,
}

/// The registry of languages.
const TONGUES: &[Tongue] = &[
    Tongue {
        sentences: &[
            "{n} wohnt seit {k} Jahren in {c}.",
            "Am Morgen geht {n} mit {t} über den Markt.",
            "In {c} hat es heute den ganzen Tag geregnet.",
            "Die Kinder fragen nach {t}, aber niemand weiß etwas.",
            "In meiner Straße wohnt {n} aus {c} und singt gern.",
            "Wer nach {c} fahren will, muss früh aufstehen.",
            "Auf dem Tisch stehen {k} Teller und eine Schale mit Obst.",
            "{n} kam gestern mit {t} zurück und hat sich sehr gefreut.",
            "Das Wetter war so schön, dass wir bis zum Fluss gelaufen sind.",
            "Wenn der Winter kommt, bleiben die Leute von {c} lieber zu Hause.",
            "Niemand wusste, warum {n} so früh nach {c} zurückkam.",
            "Der alte Lehrer erzählte uns von {t} und lachte dabei.",
            "Es waren {k} Gäste da, und alle wollten noch bleiben.",
            "Danach ging {n} langsam nach Hause und schlief sofort ein.",
            "Zwischen {c} und dem Meer liegt ein dunkler Wald.",
            "Nur mit {t} wollte {n} auf die Reise gehen.",
            "Der Bäcker von {c} backt jeden Tag {k} Brote.",
            "Am Abend saßen wir zusammen und sprachen über {n}.",
        ],
        names: &["Anna", "Jürgen", "Ulrike", "Friedrich", "Heidi", "Matthias", "Sabine", "Karl"],
        towns: &["Lindau", "Bremen", "Passau", "Freiburg", "Kassel", "Goslar", "Weimar", "Trier"],
        things: &[
            "einem roten Fahrrad",
            "dem kleinen Hund",
            "einer schweren Kiste",
            "dem neuen Hut",
            "dem alten Schlüssel",
            "einer Geige",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n} habite à {c} depuis {k} ans.",
            "Chaque matin, {n} traverse la place avec {t}.",
            "À {c}, il a plu pendant toute la journée.",
            "Les enfants cherchent {t}, mais ils ne trouvent rien.",
            "Dans ma rue habite {n}, qui vient de {c} et aime chanter.",
            "Pour aller à {c}, il faut se lever très tôt.",
            "Sur la table il y a {k} assiettes et un panier de fruits.",
            "Hier, {n} a vendu {t} à un bon prix.",
            "Le temps était si beau que nous avons marché jusqu'à la rivière.",
            "Quand l'hiver arrive, les gens de {c} restent chez eux.",
            "Personne ne savait pourquoi {n} revenait si tôt de {c}.",
            "Le vieux professeur nous a parlé de {t} en riant.",
            "Il y avait {k} invités et tous voulaient encore rester.",
            "Ensuite, {n} rentre lentement et s'endort tout de suite.",
            "Entre {c} et la mer, il y a une forêt sombre.",
            "Sans {t}, {n} ne voulait pas partir en voyage.",
            "Le boulanger de {c} fait {k} pains par jour.",
            "Le soir, nous étions assis ensemble et nous parlions de {n}.",
        ],
        names: &["Marie", "Jean", "Élodie", "Pierre", "Camille", "Luc", "Hélène", "Antoine"],
        towns: &["Rouen", "Nantes", "Dijon", "Avignon", "Lille", "Amiens", "Nîmes", "Vannes"],
        things: &[
            "un vélo rouge",
            "son petit chien",
            "une caisse lourde",
            "le nouveau chapeau",
            "la vieille clé",
            "un violon",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n} vive en {c} desde hace {k} años.",
            "Por la mañana {n} cruza la plaza con {t}.",
            "En {c} ha llovido durante todo el día.",
            "Los niños buscan {t}, pero no encuentran nada.",
            "En mi calle vive {n}, que es de {c} y canta muy bien.",
            "Quien quiere ir a {c} tiene que levantarse temprano.",
            "En la mesa hay {k} platos y una cesta de fruta.",
            "Ayer {n} vendió {t} con mucha alegría.",
            "Hacía tan buen tiempo que caminamos hasta el río.",
            "Cuando llega el invierno, la gente de {c} se queda en casa.",
            "Nadie sabía por qué {n} había vuelto tan pronto de {c}.",
            "El viejo maestro nos habló de {t} y se reía.",
            "Había {k} invitados y todos querían quedarse más tiempo.",
            "Después {n} volvió despacio a casa y se durmió enseguida.",
            "Entre {c} y el mar hay un bosque oscuro.",
            "Sin {t}, {n} no quería salir de viaje.",
            "El panadero de {c} hace {k} panes cada día.",
            "Por la noche estábamos sentados juntos y hablábamos de {n}.",
        ],
        names: &["Lucía", "Javier", "Carmen", "Diego", "Pilar", "Andrés", "Inés", "Ramón"],
        towns: &["Segovia", "Cádiz", "Burgos", "Murcia", "Toledo", "Lugo", "Huelva", "Ávila"],
        things: &[
            "una bicicleta roja",
            "su perro pequeño",
            "una caja pesada",
            "el sombrero nuevo",
            "la llave vieja",
            "un violín",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n} abita a {c} da {k} anni.",
            "La mattina {n} attraversa la piazza con {t}.",
            "A {c} è piovuto per tutta la giornata.",
            "I bambini cercano {t}, ma non trovano niente.",
            "Nella mia via abita {n}, che viene da {c} e canta bene.",
            "Chi vuole andare a {c} deve alzarsi molto presto.",
            "Sul tavolo ci sono {k} piatti e un cesto di frutta.",
            "Ieri {n} ha venduto {t} ed era molto felice.",
            "Il tempo era così bello che abbiamo camminato fino al fiume.",
            "Quando arriva l'inverno, la gente di {c} resta a casa.",
            "Nessuno sapeva perché {n} tornava così presto da {c}.",
            "Il vecchio maestro ci ha parlato di {t} e rideva.",
            "C'erano {k} ospiti e tutti volevano restare ancora.",
            "Poi {n} torna piano a casa e si addormenta subito.",
            "Tra {c} e il mare c'è un bosco scuro.",
            "Senza {t}, {n} non voleva partire per il viaggio.",
            "Il fornaio di {c} fa {k} pani ogni giorno.",
            "La sera eravamo seduti insieme e parlavamo di {n}.",
        ],
        names: &["Giulia", "Marco", "Chiara", "Paolo", "Federica", "Luca", "Elena", "Giorgio"],
        towns: &["Lucca", "Siena", "Ferrara", "Trento", "Bari", "Perugia", "Cremona", "Matera"],
        things: &[
            "una bicicletta rossa",
            "il suo piccolo cane",
            "una cassa pesante",
            "il cappello nuovo",
            "la vecchia chiave",
            "un violino",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n} mora em {c} há {k} anos.",
            "De manhã {n} atravessa a praça com {t}.",
            "Em {c} choveu durante o dia inteiro.",
            "As crianças procuram {t}, mas não encontram nada.",
            "Na minha rua mora {n}, que é de {c} e canta muito bem.",
            "Quem quer ir a {c} tem de se levantar cedo.",
            "Na mesa há {k} pratos e um cesto de frutas.",
            "Ontem {n} vendeu {t} e ficou muito contente.",
            "O tempo estava tão bom que andamos até ao rio.",
            "Quando chega o inverno, as pessoas de {c} ficam em casa.",
            "Ninguém sabia por que {n} tinha voltado tão cedo de {c}.",
            "O velho professor falou-nos de {t} e ria muito.",
            "Havia {k} convidados e todos queriam ficar mais um pouco.",
            "Depois {n} voltou devagar para casa e adormeceu logo.",
            "Entre {c} e o mar há uma floresta escura.",
            "Sem {t}, {n} não queria sair de viagem.",
            "O padeiro de {c} faz {k} pães por dia.",
            "À noite estávamos sentados juntos e falávamos de {n}.",
        ],
        names: &["João", "Beatriz", "Gonçalo", "Inês", "Rui", "Mariana", "Tiago", "Conceição"],
        towns: &["Braga", "Évora", "Coimbra", "Aveiro", "Faro", "Leiria", "Viseu", "Setúbal"],
        things: &[
            "uma bicicleta vermelha",
            "o seu cão pequeno",
            "uma caixa pesada",
            "o chapéu novo",
            "a chave velha",
            "um violino",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n} живёт в городе {c} уже {k} лет.",
            "Каждое утро {n} идёт через площадь и несёт {t}.",
            "В городе {c} сегодня весь день шёл дождь.",
            "Дети ищут {t}, но ничего не находят.",
            "На моей улице живёт {n}, любит петь и часто ездит в город {c}.",
            "Чтобы доехать до города {c}, нужно рано встать.",
            "На столе стоят {k} тарелок и корзина с фруктами.",
            "Сегодня {n} продаёт {t} и очень радуется.",
            "Погода была такая хорошая, что мы дошли до реки.",
            "Когда приходит зима, жители города {c} сидят дома.",
            "Никто не знал, почему {n} так рано уезжает из города {c}.",
            "Старый учитель показал нам {t} и засмеялся.",
            "Пришло {k} гостей, и все хотели остаться подольше.",
            "Потом {n} медленно идёт домой и сразу засыпает.",
            "Между городом {c} и морем лежит тёмный лес.",
            "Перед дорогой {n} берёт с собой {t}.",
            "Пекарь в городе {c} печёт {k} хлебов в день.",
            "Вечером мы сидим вместе, и {n} рассказывает сказки.",
        ],
        names: &["Анна", "Иван", "Ольга", "Сергей", "Наталья", "Дмитрий", "Мария", "Пётр"],
        towns: &["Тверь", "Псков", "Казань", "Омск", "Вологда", "Самара", "Тула", "Рязань"],
        things: &[
            "красный велосипед",
            "тяжёлый ящик",
            "новый зонт",
            "старый ключ",
            "большой чемодан",
            "маленький барабан",
        ],
        gap: " ",
    },
    Tongue {
        sentences: &[
            "{n}さんは{c}に{k}ねん すんでいます。",
            "あさ、{n}さんは{t}をもって いちばへ いきます。",
            "きょう、{c}では いちにちじゅう あめが ふりました。",
            "こどもたちは{t}を さがしましたが、みつかりませんでした。",
            "となりの{n}さんは{c}から きて、うたが すきです。",
            "{c}へ いくひとは はやく おきなければ なりません。",
            "テーブルの うえに おさらが{k}まい あります。",
            "きのう、{n}さんは{t}を うって とても よろこびました。",
            "てんきが よかったので、わたしたちは かわまで あるきました。",
            "ふゆに なると、{c}の ひとは うちに います。",
            "{n}さんが どうして かえってきたのか、だれも しりません。",
            "せんせいは{t}の はなしを して わらいました。",
            "おきゃくさんは{k}にん いて、みんな かえりたくありませんでした。",
            "それから{n}さんは ゆっくり うちへ かえって、すぐに ねました。",
            "{c}と うみの あいだに くらい もりが あります。",
            "{n}さんは{t}が なければ たびに でません。",
            "{c}の パンやさんは まいにち{k}この パンを やきます。",
            "よる、わたしたちは いっしょに すわって{n}さんの はなしを しました。",
        ],
        names: &["さくら", "たろう", "はなこ", "ケンジ", "ゆみ", "ひろし", "ナオミ", "あきら"],
        towns: &["なら", "きょうと", "さっぽろ", "はこだて", "ながさき", "かまくら", "こうべ", "まつえ"],
        things: &[
            "あかい じてんしゃ",
            "ちいさい いぬ",
            "おもい はこ",
            "あたらしい ぼうし",
            "ふるい かぎ",
            "バイオリン",
        ],
        gap: "",
    },
];

/// A text of four to eight sentences in one of the languages.
pub(crate) fn generate(rng: &mut Rng) -> String {
    let tongue = rng.choose(TONGUES);
    let mut templates = tongue.sentences.to_vec();
    rng.shuffle(&mut templates);
    let count = 4 + rng.index(5);
    let sentences: Vec<String> = templates[..count]
        .iter()
        .map(|template| {
            let number = rng.range(3, 48).to_string();
            let slots = [
                ("n", *rng.choose(tongue.names)),
                ("c", *rng.choose(tongue.towns)),
                ("t", *rng.choose(tongue.things)),
                ("k", &number),
            ];
            fill(template, &slots)
        })
        .collect();
    let break_after = 2 + rng.index(count - 2);
    let (first, second) = sentences.split_at(break_after);
    if second.is_empty() {
        first.join(tongue.gap)
    } else {
        [first.join(tongue.gap), second.join(tongue.gap)].join("\n")
    }
}
