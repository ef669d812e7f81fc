#!/usr/bin/env bash
# Makes a Debian package of program, library, headers, manual page, completions and documentation.
#
#   tools/package.sh [BUILD [FOLDER]]
#
# BUILD is a build folder of its own (build/package), FOLDER takes the package (build). What it depends on is found by
# dpkg-shlibdeps, so the package fits the release on which it was made. Its name is the last line.
set -euo pipefail

cd "$(dirname "$0")/.."
build=${1:-build/package} folder=${2:-build}

for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture; do
    command -v "$tool" >/dev/null || {
        echo "package.sh: $tool is missing (Debian's package dpkg-dev)" >&2
        exit 1
    }
done

version=$(sed -n "s/^ *version: '\(.*\)',\$/\1/p" meson.build | head -n 1)
architecture=$(dpkg-architecture -q DEB_HOST_ARCH)
library=lib/$(dpkg-architecture -q DEB_HOST_MULTIARCH)
# The time of the last change, so that the same sources give the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y meson.build)}
export SOURCE_DATE_EPOCH

tools/build.sh "$build" --prefix=/usr --libdir="$library" -Dtests=disabled

stage=$(mktemp -d "${TMPDIR:-/tmp}/terminalai-package.XXXXXX")
trap 'rm -rf "$stage"' EXIT
root=$stage/debian/terminalai
chmod 755 "$stage"
mkdir -p "$root/DEBIAN"
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet
strip --strip-unneeded "$root/usr/bin/terminalai" "$root/usr/$library"/libterminalai.so.*.*
strip --strip-debug "$root/usr/$library/libterminalai.a"

doc=$root/usr/share/doc/terminalai
mv "$doc/LICENSE" "$doc/copyright"
cat >>"$doc/copyright" <<END

As a whole, this package is under the GNU General Public License where the FFmpeg that it is linked with is
(Debian's is): see /usr/share/common-licenses/GPL-3.
END
mv "$doc/CHANGELOG.md" "$doc/changelog"
gzip -9n "$doc/changelog" "$root/usr/share/man/man1/terminalai.1"

# dpkg-shlibdeps reads who is asking from a source package.
printf 'Source: terminalai\n\nPackage: terminalai\nArchitecture: any\n' >"$stage/debian/control"
depends=$(cd "$stage" && dpkg-shlibdeps -O "$root/usr/bin/terminalai" "$root/usr/$library"/libterminalai.so.*.* \
    2>"$stage/shlibdeps.log" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || {
    cat "$stage/shlibdeps.log" >&2
    exit 1
}

cat >"$root/DEBIAN/control" <<END
Package: terminalai
Version: $version
Architecture: $architecture
Maintainer: The authors of TerminalAI <terminalai@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Depends: $depends
Section: video
Priority: optional
Description: restore and upscale old video
 Restores captures of VHS, Hi8 and DV tapes, DVDs, broadcasts and early web
 video: deinterlacing, noise reduction, colour, scaling and encoding in one
 pass, with every frame accounted for. Work that is interrupted goes on where
 it stopped. With the C library under the program, and its headers.
END
printf 'activate-noawait ldconfig\n' >"$root/DEBIAN/triggers"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

chmod -R u=rwX,go=rX "$root"
mkdir -p "$folder"
name=$folder/terminalai_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$name" >/dev/null
echo "$name"
