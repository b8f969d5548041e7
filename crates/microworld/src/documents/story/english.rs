//! The English stories.

use super::{Frame, Plot};
use crate::facts::Id;

pub(super) const FRAME: Frame = Frame {
    openings: &[
        "This is a story about {a} and {b}.",
        "In {home} everybody knows {a}.",
        "People in {home} still talk about the day when {a} met {b}.",
        "{a} and {b} have known each other for many years.",
        "Let me tell you what happened to {a} of {home}.",
        "Not far from {place} there is a town called {home}.",
        "{c} once told me this story about {a}.",
        "The road from {home} to {place} is long, and many things happen on it.",
        "There are many people in {home}, and one of them is {a}.",
        "If you ever come to {home}, ask for {a}.",
        "{b} likes to remember the summer with {a}.",
        "It all began with {a} and a(n) {colour} {thing}.",
        "Nobody in {place} had heard of {a} before that year.",
        "Whenever {b} visits {home}, somebody tells this story.",
    ],
    times: &[
        "One morning ",
        "One evening ",
        "On a cold day in winter ",
        "On the first day of spring ",
        "Last summer ",
        "One rainy afternoon ",
        "Early on a Sunday ",
        "On a windy day ",
        "When the market was over, ",
        "A week before the big feast ",
        "One night, when the moon was full, ",
        "Just after breakfast ",
    ],
    feelings: &[
        "{a} was sad and did not know what to do.",
        "At first {a} was angry, but then {he} only felt tired.",
        "{a} sat down on a stone and thought for a long time.",
        "\"What shall I do now?\" asked {a}.",
        "{a} could not sleep that night.",
        "\"This is not my lucky day,\" said {a}.",
        "{a} took a deep breath and did not give up.",
        "Tears came to {a}'s eyes.",
    ],
    helps: &[
        "Luckily {b} came along the road.",
        "Then {a} remembered {b} and went to ask for help.",
        "{b} heard about it and came at once.",
        "\"Do not worry,\" said {b}, \"two people can do more than one.\"",
        "In the end {c} sent for {b}, who always had good ideas.",
        "{b} was just passing by with a(n) {other}.",
        "\"May I help you?\" asked {b} in a friendly voice.",
        "{c} told {b} about it, and {b} ran to {a} as fast as possible.",
    ],
    closings: &[
        "Since that day {a} and {b} have been good friends.",
        "{c} laughed a lot about the story that {a} told.",
        "That evening they ate {food} together and were happy.",
        "And so the day that began badly ended well.",
        "{a} never forgot what {b} had done.",
        "\"Next time I will ask you sooner,\" said {a} to {b}.",
        "From then on {a} was always ready to help others too.",
        "{b} went home with a smile, and {a} waved for a long time.",
        "They told {c} about it, and soon all of {home} knew the story.",
        "It was dark when {a} came home, but {he} was not afraid.",
    ],
    consequences: &[
        (
            Id::Home,
            &[
                "Because {fact}, {name} knows every path there.",
                "{fact}, so the way home was not hard to find.",
                "As {fact}, people there know {name} well.",
            ],
        ),
        (
            Id::Pet,
            &[
                "{fact}, so there is always a bowl of water at the door of {name}'s house.",
                "Because {fact}, {name} never goes out without some food in {his} pocket.",
                "{fact}, and that made {name} feel less alone.",
            ],
        ),
        (
            Id::Colour,
            &[
                "{fact}, so {name} had painted the door in that colour.",
                "Because {fact}, it was easy to see which coat was {name}'s.",
                "{fact}, and even {name}'s gloves have this colour.",
            ],
        ),
        (
            Id::Food,
            &[
                "{fact}, and the smell from the kitchen made {him} hungry.",
                "Because {fact}, {name} stopped at the market for a moment.",
                "{fact}, so somebody brought {him} a full plate.",
            ],
        ),
        (
            Id::Job,
            &[
                "{fact}, so {name} knew what had to be done.",
                "Because {fact}, {name} has strong and clever hands.",
                "{fact}, and this work had taught {him} to be patient.",
            ],
        ),
        (
            Id::Friend,
            &[
                "{fact}, so {name} was never really alone.",
                "Because {fact}, {name} thought of this friend first.",
                "{fact}, and good friends share their worries.",
            ],
        ),
        (
            Id::Thing,
            &[
                "{fact}, and {name} would not give it away for anything.",
                "Because {fact}, the children like to visit {name}.",
                "{fact}, which came in handy that day.",
            ],
        ),
        (
            Id::Count,
            &[
                "{fact}, and {name} counts them every week.",
                "Because {fact}, {name} needs a big box for them.",
                "{fact}, so one more or less does not matter to {him}.",
            ],
        ),
        (
            Id::Age,
            &[
                "{fact}, so {name} had seen such things before.",
                "Because {fact}, {name} did not run but walked quickly.",
                "{fact}, but that day {he} felt like a child.",
            ],
        ),
        (
            Id::Hobby,
            &[
                "{fact}, and this gave {him} an idea.",
                "Because {fact}, {name} knew how to wait for the right moment.",
                "{fact}, so the long evening did not feel long to {him}.",
            ],
        ),
    ],
    plots: &[
        Plot {
            problem: &[
                "the {pet} of {a} was gone. The door stood open, and there were small tracks in the mud.",
                "{a} called for the {pet}, but it did not come. Only its bowl was still there.",
                "a loud noise frightened the {pet}, and it ran away from {a}.",
            ],
            attempt: &[
                "{a} looked under the bridge, behind the mill and in the high grass, but found nothing.",
                "{a} followed the tracks as far as {place}, where they ended at the river.",
                "All day {a} walked from house to house and asked about the {pet}.",
            ],
            turn: &[
                "Together they listened, and from an old barn came a soft sound: there sat the {pet}.",
                "{b} put some {food} on the ground, and after a while the {pet} came out of the bushes.",
                "{b} had seen the {pet} near {place}, so they went there and found it asleep in the sun.",
            ],
            end: &[
                "{a} brought the {pet} home and mended the door, so that it could not run away again.",
                "The {pet} was hungry and dirty, but it was not hurt, and {a} was glad.",
                "Since then {a} closes the gate every evening.",
            ],
        },
        Plot {
            problem: &[
                "{a} could not find the {colour} {thing} anywhere.",
                "the {colour} {thing} of {a} disappeared from the bench in front of the house.",
                "{a} left the {thing} on the cart from {place}, and the cart drove away.",
            ],
            attempt: &[
                "{a} emptied every box and looked under every chair.",
                "{a} asked {c}, but {c} had not seen any {thing} that day.",
                "First {a} searched the garden, then the cellar, and last of all the roof.",
            ],
            turn: &[
                "{b} asked where {a} had used it last, and suddenly {a} remembered the well.",
                "{b} had found a(n) {colour} {thing} on the road and had kept it safe.",
                "They looked again together, and this time {b} saw something {colour} behind the stove.",
            ],
            end: &[
                "There it was, a bit dusty but not broken, and {a} thanked {b} again and again.",
                "{a} tied a ribbon with {his} name to the {thing}, so that everybody would know whose it was.",
                "Now the {thing} hangs on a nail next to the door, and {a} always knows where it is.",
            ],
        },
        Plot {
            problem: &[
                "the river rose so high that it carried the bridge away, and {a} could not get to {place}.",
                "the old bridge to {place} broke under a heavy cart, right in front of {a}.",
                "{a} came to the bridge and saw that half of the boards were missing.",
            ],
            attempt: &[
                "{a} tried to wade through the water, but it was too deep and too cold.",
                "{a} laid a ladder across the hole, but it was too short.",
                "{a} called to the other side, but the water was louder than {his} voice.",
            ],
            turn: &[
                "{b} brought ropes and boards, and {c} brought a hammer and nails.",
                "{b} knew a place where the river is flat, and they crossed it there step by step.",
                "{b} had a small boat, and so they rowed across before it got dark.",
            ],
            end: &[
                "A week later there was a new bridge, stronger than the old one.",
                "{a} reached {place} in time, because nobody had wasted a minute.",
                "The people of {place} were so thankful that they gave a feast for {a} and {b}.",
            ],
        },
        Plot {
            problem: &[
                "{a} went to the market in {place} to sell {things}, but nobody bought any.",
                "{a} set up a small stall in {place}, and the wind blew it over.",
                "{a} brought {food} to the market in a basket, but another stall was cheaper.",
            ],
            attempt: &[
                "{a} called out the price as loudly as {he} could, but people only walked faster.",
                "{a} made a sign with big letters, but the rain washed it clean.",
                "{a} waited until noon, and still the basket was full.",
            ],
            turn: &[
                "{b} had an idea: whoever bought something could hear a song.",
                "{b} moved the stall to the corner where the sun was shining, and people stopped there.",
                "{b} tasted everything, smiled and told the people how good it was.",
            ],
            end: &[
                "Before the bell rang, everything was sold, and {a} shared the money with {b}.",
                "Soon there was a long line, because people like to stop where others stop.",
                "{a} came home with an empty basket and a full purse.",
            ],
        },
        Plot {
            problem: &[
                "a letter came for {a}, but the rain had washed away half of the words.",
                "{a} got a letter without a name under it. \"Come to {place},\" it said, and nothing more.",
                "{a} found an old letter in a book from {place}.",
            ],
            attempt: &[
                "{a} held the paper against the light and read it three times, but it made no sense.",
                "{a} showed the letter to {c}, who did not know the writing either.",
                "{a} put on {his} shoes and set out for {place}, although it was late.",
            ],
            turn: &[
                "{b} knew the writing at once, because {b_he} had gone to school with the writer.",
                "{b} warmed the paper over a candle, and slowly the words came back.",
                "In {place} {b} opened the door and laughed: the letter was an invitation.",
            ],
            end: &[
                "It was from an old aunt who wanted to see {a} again before the winter.",
                "So {a} learned that somebody in {place} had been waiting for an answer for years.",
                "{a} wrote back the same night, and {b} brought the answer to the post.",
            ],
        },
        Plot {
            problem: &[
                "a storm tore a hole into the roof of {a}'s house, and the rain came in.",
                "the wind broke a tree, and the tree fell on the house of {a}.",
                "hail as big as nuts broke two windows of {a}'s house.",
            ],
            attempt: &[
                "{a} put buckets under the hole, but they were full in no time.",
                "{a} climbed up to close the hole, but the ladder was wet and {he} nearly fell.",
                "{a} carried the bed, the books and the {thing} into the only dry corner.",
            ],
            turn: &[
                "{b} came with boards and nails, and {c} held the ladder.",
                "{b} stretched a big cloth over the hole and tied it down with a rope.",
                "\"Come and stay with us until it is mended,\" said {b}, \"and bring your {pet}.\"",
            ],
            end: &[
                "After three days the roof was better than before, because this time they had used oak.",
                "When the sun came back, all the neighbours helped, and so the work was done by noon.",
                "{a} slept well that night, although the wind was still howling.",
            ],
        },
        Plot {
            problem: &[
                "there was a contest in {place}: whoever built the best boat would win a golden bell.",
                "{a} heard of a race from {home} to {place} and wanted to win it.",
                "the people of {place} looked for the best cook, and {a} wanted to try.",
            ],
            attempt: &[
                "{a} practised every day, but {c} was always a little better.",
                "{a} worked until late at night and made one mistake after another.",
                "On the day before, {a}'s hand hurt so much that {he} wanted to stay at home.",
            ],
            turn: &[
                "\"You do not have to be the best,\" said {b}, \"you only have to be calm.\"",
                "{b} worked beside {a} through the whole night and held the lamp.",
                "In the middle of the contest {c} fell down, and {a} stopped to help, although it cost time.",
            ],
            end: &[
                "{a} came in second, but the loudest cheers were for {him}.",
                "{a} won, and because half of the work was {b}'s, they shared the prize.",
                "The judges gave {a} a special prize, because being kind is worth more than being fast.",
            ],
        },
        Plot {
            problem: &[
                "{a} wanted to find a birthday present for {b}, but {his} purse was empty.",
                "{a} noticed that tomorrow was {b}'s birthday, and the shops were already closed.",
                "{a} had bought a cake for {b}, but the {pet} ate it.",
            ],
            attempt: &[
                "{a} walked through all the streets of {home} and looked into every window.",
                "{a} offered to wash dishes for {c} and earned a few coins that way.",
                "{a} tried to bake something new, but it came out of the oven as black as coal.",
            ],
            turn: &[
                "Then {a} saw the old {thing} and had an idea: {he} would clean it and paint it.",
                "{c} gave {a} some {food}, and together they made a surprise of it.",
                "At last {a} wrote a song, because a song costs nothing.",
            ],
            end: &[
                "{b} was so surprised that {b_he} could not speak for a while.",
                "\"This is the best present I have ever got,\" said {b}, because it was made by hand.",
                "They sang until late, and {b} kept the present all {b_his} life.",
            ],
        },
        Plot {
            problem: &[
                "{c} fell ill, and the doctor was far away in {place}.",
                "{a} heard that {c} had a fever and could not get up.",
                "{c} did not open the door, and {a} began to worry.",
            ],
            attempt: &[
                "{a} cooked some soup, but {c} did not want to eat.",
                "{a} ran to {place}, but the doctor had gone out to see somebody else.",
                "{a} put a wet cloth on {c}'s head and waited all night beside the bed.",
            ],
            turn: &[
                "{b} rode through the night and brought medicine in the morning.",
                "{b} knew a herb that helps against fever and looked for it in the snow.",
                "{b} told funny stories, and for the first time {c} laughed again.",
            ],
            end: &[
                "Two days later {c} could sit up and asked for {food}.",
                "Slowly the fever went down, because {a} and {b} had not left {c} alone.",
                "\"With friends like you I cannot stay ill,\" said {c}.",
            ],
        },
        Plot {
            problem: &[
                "a stranger came to {home} and asked {a} the way to {place}.",
                "{a} lost the way in the forest between {home} and {place}.",
                "thick fog lay on the road to {place}, and {a} could not see {his} own feet.",
            ],
            attempt: &[
                "{a} turned left at the oak tree, but the path ended in a swamp.",
                "{a} climbed a tree to look around, but there was only more forest.",
                "{a} followed the sound of a bell, but it came from a grazing cow.",
            ],
            turn: &[
                "{b} lit a lamp and swung it, so that one could see it from far away.",
                "{b} knew every stone there and led the way without any map.",
                "From far away they heard {b} sing, and they walked towards the song.",
            ],
            end: &[
                "When the stars came out, they saw the lights of {place} below them.",
                "At the gate of {place} they drank hot tea, for they were cold and tired.",
                "Later {a} set up a sign there, so that nobody would get lost again.",
            ],
        },
        Plot {
            problem: &[
                "the well of {home} was dry, and {a} had no water for the garden.",
                "the flowers of {a} hung their heads, because it had not rained for weeks.",
                "snails ate everything that {a} had planted in spring.",
            ],
            attempt: &[
                "{a} carried water from {place} in a bucket, but half of it was lost on the way.",
                "{a} dug deeper and deeper, but the earth stayed dry.",
                "{a} got up before the sun to save what was left.",
            ],
            turn: &[
                "{b} found a wet spot under the old wall, and there they dug again.",
                "{b} brought straw, and they covered the earth, so that it kept its water.",
                "{b} lent {a} three hungry ducks, and the ducks did the rest.",
            ],
            end: &[
                "In autumn the garden gave so much that {a} could share it with everybody.",
                "The first flower that opened was for {b}.",
                "Clear water came up, first slowly and then faster, and {c} rang the bell.",
            ],
        },
        Plot {
            problem: &[
                "{a} and {c} had a quarrel about the {thing}, and both went home angry.",
                "{a} said something unkind to {c}, because {he} was tired.",
                "{c} believed that {a} had broken the {thing}, but that was not true.",
            ],
            attempt: &[
                "For three days {a} did not greet {c}, and {c} did not greet {a}.",
                "{a} wanted to say sorry, but the words would not come.",
                "{a} wrote a note, tore it up and wrote another one.",
            ],
            turn: &[
                "{b} invited both of them without telling the other and put {bfood} on the table.",
                "\"A quarrel is like a stone in a shoe,\" said {b}. \"It only hurts until you take it out.\"",
                "{b} found out that the wind had thrown the {thing} from the wall.",
            ],
            end: &[
                "First they were silent, then {c} smiled, and then all of them had to laugh.",
                "{a} said sorry first, and {c} shook hands with {him}.",
                "Now the {thing} belongs to both of them, one week here and one week there.",
            ],
        },
    ],
};
