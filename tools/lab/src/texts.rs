//! What people write: short texts in the languages of the markets Twine is
//! for, and the mark by which the lab knows each message again.
//!
//! The mark is part of the text, so that verdicts need not trust any id that
//! daemon or gateway made.

use crate::rng::Rng;

/// The corpus. Written for this project.
const TEXTS: [&str; 49] = [
    // Swahili
    "Habari ya asubuhi! Umefika salama?",
    "Niko njiani, nitafika baada ya nusu saa.",
    "Nimekutumia pesa kwa simu, angalia kama zimefika.",
    "Asante sana, Mungu akubariki.",
    "Bei ya unga imepanda tena, njoo na elfu mbili.",
    "Mtoto ana homa, tunampeleka kliniki sasa hivi.",
    "Usisahau mkutano wa kesho saa nne asubuhi 😊",
    // Hausa
    "Ina kwana? Yaya gida da yara?",
    "Na gode sosai, Allah ya saka da alheri.",
    "Zan zo gobe da safe in Allah ya yarda.",
    "Kuɗin makaranta sun ƙaru, ka turo da wuri.",
    "Motar ta lalace a hanya, sai an jira.",
    "Ƙanwata ta haihu, mun samu ɗiya mace 🎉",
    // Amharic
    "ሰላም፣ እንዴት ነህ? ቤተሰብ ደህና ናቸው?",
    "ነገ ጠዋት በሦስት ሰዓት እንገናኝ።",
    "ገንዘቡ ደርሶኛል፣ በጣም አመሰግናለሁ።",
    "አውቶቡሱ ዘግይቷል፣ ትንሽ ቆይ።",
    "መልካም ልደት! 🎂 ብዙ ዓመት ኑሪ።",
    "ዛሬ መብራት የለም፣ ስልኬ ሊዘጋ ነው።",
    // Arabic
    "صباح الخير، كيف الحال؟",
    "وصلت إلى المحطة، أين أنت؟",
    "أرسلت لك رصيدا، تأكد من فضلك.",
    "الحمد لله، الجميع بخير.",
    "السوق مغلق اليوم، نذهب غدا إن شاء الله.",
    "مبروك النجاح! 🎓 ألف مبروك.",
    // French
    "Bonjour, tu es bien arrivé ?",
    "Je t'ai envoyé le crédit, vérifie s'il te plaît.",
    "Le taxi n'est pas encore là, attends-moi devant la pharmacie.",
    "Ça va aller, courage ! On passe te voir ce soir.",
    "N'oublie pas d'acheter du riz, de l'huile et deux cubes.",
    "La réunion est reportée à jeudi, 15 h.",
    "Félicitations pour le bébé 👶❤️",
    // Portuguese
    "Bom dia, já chegaste a Maputo?",
    "O chapa está cheio, vou a pé até à paragem.",
    "Mandei o dinheiro pelo M-Pesa, confirma quando receberes.",
    "Não há luz desde ontem, o telemóvel está quase sem bateria.",
    "Obrigado, mano. Que Deus te abençoe!",
    "A mãe pergunta se vens no domingo.",
    // English
    "Good morning. Please call when you can.",
    "I don reach market, wetin you want make I buy?",
    "Network is bad here, I will text instead.",
    "Please send me the meter number again.",
    "The doctor says she can come home tomorrow.",
    "Ok",
    "Exam results are out! I passed everything!!! 🎉🎉🎉",
    "Can you lend me 500 till Friday?",
    // Emoji alone
    "👍🏾",
    "😂😂😂",
    // Long: several SMS.
    "My dear sister, I am writing because the line keeps breaking when I call. The rain \
     came on Tuesday and the whole lower field was under water, but the maize on the hill \
     is standing well, and uncle says we may still bring in forty bags if the weather \
     holds. The school has asked for the second term's fees, I have paid half. Tell \
     mother that her medicine is at the pharmacy near the stage, they keep it until \
     Saturday. We greet you all and wait for your news.",
];

/// The text of a message: chosen by its number, the same for the same seed.
#[must_use]
pub fn compose(seed: u64, mark: &Mark) -> String {
    let mut rng = Rng::new(seed ^ mark.number.wrapping_mul(0x9e37_79b9) ^ mark.hash());
    // Discards what neighbouring seeds have in common.
    rng.next_u64();
    let text = TEXTS[rng.below(TEXTS.len())];
    format!("{text} {mark}")
}

/// Names one message of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// The sender's name in the scenario.
    pub sender: String,
    /// From 1, in the order of sending.
    pub number: u64,
}

impl Mark {
    /// The mark at the end of a text, if there is one.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let (_, mark) = text.rsplit_once(" #")?;
        let (sender, number) = mark.rsplit_once('-')?;
        Some(Self {
            sender: sender.to_owned(),
            number: number.parse().ok()?,
        })
    }

    fn hash(&self) -> u64 {
        // FNV-1a: any fixed hash will do.
        self.sender
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            })
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}-{}", self.sender, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_again_in_every_text() {
        for number in 1..200 {
            let mark = Mark {
                sender: "amina-2".to_owned(),
                number,
            };
            let text = compose(7, &mark);
            assert_eq!(Mark::find(&text), Some(mark.clone()));
            assert_eq!(text, compose(7, &mark));
        }
        assert_eq!(Mark::find("no mark"), None);
    }

    #[test]
    fn all_texts_get_their_turn() {
        let chosen: std::collections::BTreeSet<_> = (1..2000)
            .map(|number| {
                let mark = Mark {
                    sender: "a".to_owned(),
                    number,
                };
                let text = compose(1, &mark);
                text.rsplit_once(" #").unwrap().0.to_owned()
            })
            .collect();
        assert_eq!(chosen.len(), TEXTS.len());
    }
}
