# shellcheck shell=bash
# MinIO, an S3 store. It has a go.mod of its own, since nothing it needs is shared with the rest.
version=$(pin github.com/minio/minio ../profiles/minio)
covers=(minio ../lib/profile.sh ../image.sh)

make() {
  go_build ../profiles/minio '' github.com/minio/minio
  install -D -t "$out/programs" "$out/minio" # for suites without a cluster
  profile_program minio
  profile_image minio minio
  install -D -m 644 -t "$out/manifests" "$here/profiles/minio/minio.yaml"
}
