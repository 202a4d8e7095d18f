# shellcheck shell=bash
# The pause program of every pod, as the image docker.io/local/pause:1.
version=1
covers=(pause ../image.sh)

make() {
  go_build . '' ./pause
  "$here/image.sh" pause:1 "$here/programs/pause/Containerfile" "$out" "$out/pause.tar"
  rm "$out/pause"
}
