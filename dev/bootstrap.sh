# Sourced by the scripts of dev/ and by .ci/run: makes uv, just and the locked environment available.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

if ! command -v uv >/dev/null; then
  own=${XDG_CACHE_HOME:-$HOME/.cache}/realchat/uv
  if [ ! -x "$own/bin/uv" ]; then
    echo "  Installing uv into $own"
    python3 -m venv "$own" && "$own/bin/pip" --quiet --disable-pip-version-check install uv || {
      rm -rf "$own"
      echo "uv could not be installed. The way out: apt-get install python3-venv, or install uv yourself" >&2
      exit 1
    }
  fi
  PATH=$own/bin:$PATH
fi

[ -d .venv ] || echo "  Installing the locked Python packages into .venv"
uv sync --frozen --inexact --quiet
command -v just >/dev/null || [ -x "$(uv tool dir --bin)/just" ] || uv tool install --quiet rust-just

export PATH=$ROOT/.venv/bin:$PATH PYTHONPATH=$ROOT/dev${PYTHONPATH:+:$PYTHONPATH}
