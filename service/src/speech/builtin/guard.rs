//! Keeps the model from writing for ever: it may write no more than anybody can say in the time, and a phrase that comes
//! again and again is a loop of the model's and no speech. Called by `network` after every token.

use super::network::Token;
use crate::speech::SPEECH_RATE;

/// The fastest speech is about five tokens per second; half as many again is no speech any more.
const TENTH_TOKENS_PER_SECOND: usize = 65;
/// So that the shortest word fits whatever its length.
const FEWEST_TOKENS: usize = 6;
/// A longer phrase is not looked for.
const LONGEST_PHRASE: usize = 24;
/// What comes twice may be said twice.
const FEWEST_REPEATS: usize = 3;
/// A card number of fifteen ones, each with its comma, is thirty tokens and must be heard.
const FEWEST_TOKENS_OF_A_LOOP: usize = 40;

/// What follows from the tokens so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// More may come.
    GoOn,
    /// It runs in a circle.
    Stop {
        /// So many tokens were written before the circle closed.
        keep: usize,
    },
}

/// How many tokens so much audio can hold.
pub fn limit_tokens(samples: usize) -> usize {
    FEWEST_TOKENS + samples * TENTH_TOKENS_PER_SECOND / (10 * SPEECH_RATE)
}

/// Looks for a phrase that ends here and came before, without a break and several times.
pub fn next(written: &[Token]) -> Next {
    let longest = LONGEST_PHRASE.min(written.len() / FEWEST_REPEATS);
    for phrase in 1..=longest {
        let same = written
            .iter()
            .rev()
            .zip(written.iter().rev().skip(phrase))
            .take_while(|(later, earlier)| later.id == earlier.id)
            .count();
        let (tokens, repeats) = (same + phrase, same / phrase + 1);
        if repeats >= FEWEST_REPEATS && tokens >= FEWEST_TOKENS_OF_A_LOOP {
            return Next::Stop {
                keep: written.len() - tokens + phrase,
            };
        }
    }
    Next::GoOn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: impl IntoIterator<Item = u32>) -> Vec<Token> {
        ids.into_iter().map(|id| Token { id, probability: 1.0 }).collect()
    }

    /// Writes token by token as the model does, and says what is left.
    fn written(ids: Vec<u32>) -> (usize, bool) {
        let all = tokens(ids);
        for end in 1..=all.len() {
            if let Next::Stop { keep } = next(&all[..end]) {
                return (keep, true);
            }
        }
        (all.len(), false)
    }

    #[test]
    fn a_loop_ends_after_its_first_round() {
        let beginning = 100..110;
        for phrase in [1, 2, 7, 24] {
            let looping = beginning.clone().chain((0..phrase).cycle().take(200)).collect();
            let (keep, stopped) = written(looping);
            assert!(stopped, "a phrase of {phrase}");
            assert_eq!(keep, 10 + phrase as usize, "a phrase of {phrase}");
        }
    }

    #[test]
    fn what_people_say_again_is_no_loop() {
        let card_of_ones = [4, 9].into_iter().chain([1, 9].into_iter().cycle().take(30)).collect();
        assert_eq!(written(card_of_ones), (32, false));
        let twice = (0..30).chain(0..30).collect();
        assert_eq!(written(twice), (60, false));
        let no_two_alike = (0..500).collect();
        assert_eq!(written(no_two_alike), (500, false));
    }

    #[test]
    fn no_more_is_written_than_can_be_said() {
        for (seconds, limit) in [(0, 6), (1, 12), (10, 71), (30, 201)] {
            assert_eq!(limit_tokens(seconds * SPEECH_RATE), limit, "{seconds} s");
        }
    }
}
