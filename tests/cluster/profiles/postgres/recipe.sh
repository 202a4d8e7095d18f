# shellcheck shell=bash
# Debian's Postgres and what it is linked with, in an image.
version=$(dpkg-query -W -f '${Version}' postgresql-15 2>/dev/null || true)
covers=(postgres ../lib/profile.sh ../image.sh)

make() {
  local root=$out/postgres/root programs=/usr/lib/postgresql/15
  copy_with_libraries "$root" "$programs"/bin/{postgres,initdb,psql} "$programs"/lib/{plpgsql,dict_snowball,libpqwalreceiver}.so /bin/sh /usr/bin/locale
  mkdir -p "$root"/{etc,tmp,usr/share}
  cp -r --parents /usr/share/postgresql/15 /usr/share/zoneinfo "$root"
  rm -rf "$root/usr/share/postgresql/15/man"
  printf 'postgres:x:999:999:postgres:/tmp:/bin/sh\n' >"$root/etc/passwd"
  profile_image postgres postgres
  install -D -m 644 -t "$out/manifests" "$here/profiles/postgres/postgres.yaml"
}
