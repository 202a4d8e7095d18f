"""The measurements of tests/bench/speech: PROGRAM MODEL CLIPS SCRATCH. Processor time is that of the child alone, so that a
machine with neighbours measures the same."""

import json
import os
import re
import resource
import subprocess
import sys
import wave

from pocketsphinx import Decoder

program, model, clips, scratch = sys.argv[1:]
minutes = int(os.environ.get("BENCH_SPEECH_MINUTES", "60"))
SAID = {
    "beckett": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
    "two_cities": "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the "
    "season of darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had "
    "nothing before us, we were all going direct to heaven, we were all going direct the other way. In short, the period "
    "was so far like the present period, that some of its noisiest authorities insisted on its being received, for good "
    "or for evil, in the superlative degree of comparison only.",
}


def words(text):
    return re.findall(r"[a-z']+", text.lower())


def errors(said, heard):
    said, heard = words(said), words(heard)
    row = list(range(len(heard) + 1))
    for place, word in enumerate(said, 1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, 1):
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other))
    return row[-1], len(said)


def sox(*arguments):
    subprocess.run(["sox", "-R", *arguments], check=True, stderr=subprocess.DEVNULL)


def ours(path):
    """The text, the processor seconds, and the peak of memory in MB."""
    process = subprocess.Popen([program, "transcribe", "--model", model, path], stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"transcribe has failed on {path}")
    segments = json.loads(output)["segments"]
    text = " ".join(segment["text"] for segment in segments)
    return text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def theirs(path):
    raw = os.path.join(scratch, "theirs.wav")
    sox(path, "-r", "16000", "-c", "1", "-b", "16", "-e", "signed-integer", raw)
    with wave.open(raw) as sound:
        samples = sound.readframes(sound.getnframes())
    before = resource.getrusage(resource.RUSAGE_SELF)
    decoder = Decoder(samprate=16000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return found.hypstr if found else "", after.ru_utime - before.ru_utime


def length(path):
    return float(subprocess.run(["soxi", "-D", path], check=True, capture_output=True, text=True).stdout)


print(f"{'clip':<28} {'engine':<14} {'words wrong':>12} {'rate':>8} {'times real time':>16}")
for clip, said in SAID.items():
    clean = os.path.join(clips, f"{clip}.wav")
    telephone = os.path.join(scratch, f"{clip}.wav")
    sox(clean, "-r", "8000", "-c", "1", "-e", "mu-law", telephone)
    for name, path in ((clip, clean), (f"{clip}, 8 kHz mu-law", telephone)):
        text, seconds, _ = ours(path)
        peer_text, peer_seconds = theirs(path)
        for engine, heard, took in (("builtin", text, seconds), ("pocketsphinx", peer_text, peer_seconds)):
            wrong, of = errors(said, heard)
            print(f"{name:<28} {engine:<14} {f'{wrong} of {of}':>12} {100 * wrong / of:>6.1f} % {length(path) / took:>16.1f}")

call = os.path.join(scratch, "call.wav")
two = os.path.join(scratch, "two_cities.wav")
one = os.path.join(scratch, "one.wav")
other = os.path.join(scratch, "other.wav")
# the one speaks while the other listens
sox(two, one, "pad", "0", "45")
sox(two, other, "pad", "45", "0")
rounds = max(1, round(minutes * 60 / length(one)))
pair = os.path.join(scratch, "pair.wav")
sox("-M", one, other, pair)
sox(pair, call, "repeat", str(rounds - 1))
text, seconds, megabytes = ours(call)
wrong, of = errors(SAID["two_cities"], "")
print(
    f"{length(call) / 60:.0f} minutes of two channels: {megabytes:.0f} MB at the peak with the model, "
    f"{length(call) / seconds:.1f} times real time on one core, {len(words(text))} words (said: {2 * rounds * of})"
)
