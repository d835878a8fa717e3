#!/usr/bin/env bash
# Installs the reference engines into a cache folder (default .interop, or $FLOE_INTEROP_CACHE), once.
# Writes <cache>/status/<tool>: `ok`, or the reason why the tool is not here. A missing tool is an error only with CI=true.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
readonly cache="${FLOE_INTEROP_CACHE:-$here/../../.interop}"
readonly iceberg_version=1.11.0
readonly sqlite_version=3.47.1.0
readonly versitygw_version=v1.8.0

mkdir -p "$cache/status" "$cache/jars" "$cache/bin" "$cache/logs"

# tool NAME FUNCTION: the function installs, and prints the reason as its last line when it cannot
tool() {
  local name="$1" log="$cache/logs/$1.log"
  if "$2" >"$log" 2>&1; then
    echo ok >"$cache/status/$name"
  else
    { tail -n 1 "$log" | cut -c1-300; } >"$cache/status/$name"
    printf 'interop: %s is not available: %s\n' "$name" "$(cat "$cache/status/$name")"
    [[ "${CI:-}" != true ]] || missing=1
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
tool rest install_rest
tool chromium install_chromium
exit "$missing"
