#!/usr/bin/env bash
# Makes a Debian package of program, library, headers, manual page, completions and documentation.
#
#   tools/package.sh [BUILD [FOLDER]]
#
# BUILD is a build folder of its own (build/package), FOLDER takes the package (build). What it depends on is found by
# dpkg-shlibdeps, so the package fits the release on which it was made. Where lintian is installed it must find nothing.
# The package's name is the last line. Environment: DEBFULLNAME and DEBEMAIL, whoever answers for the package.
set -euo pipefail

cd "$(dirname "$0")/.."
build=${1:-build/package} folder=${2:-build}

for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture; do
    command -v "$tool" >/dev/null || {
        echo "package.sh: $tool is missing (Debian's package dpkg-dev)" >&2
        exit 1
    }
done

upstream=$(sed -n "s/^ *version: '\(.*\)',\$/\1/p" meson.build | head -n 1)
version=$upstream-1
maintainer="${DEBFULLNAME:-The authors of TerminalAI} <${DEBEMAIL:-terminalai@localhost}>"
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
strip --strip-unneeded "$root/usr/bin/terminalai" "$root/usr/$library"/libterminalai.so.*.* \
    "$root/usr/$library"/terminalai/*.so
strip --strip-debug "$root/usr/$library/libterminalai.a"

doc=$root/usr/share/doc/terminalai
{
    echo "Copyright (c) $(date -u -d "@$SOURCE_DATE_EPOCH" +%Y) the authors of TerminalAI"
    echo
    cat "$doc/LICENSE"
    echo
    echo "As a whole, this package is under the GNU General Public License where the FFmpeg that it is linked with is"
    echo "(Debian's is): see /usr/share/common-licenses/GPL-3."
} >"$doc/copyright"
rm "$doc/LICENSE"
mv "$doc/CHANGELOG.md" "$doc/changelog"
cat >"$doc/changelog.Debian" <<END
terminalai ($version) unstable; urgency=medium

  * What has changed is said in changelog.gz.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
END
manual=$root/usr/share/man/man1
gzip -9n "$doc/changelog" "$doc/changelog.Debian" "$manual/terminalai.1"
for page in "$manual"/*.1; do
    ln -s terminalai.1.gz "$page.gz"
    rm "$page"
done

# One package on purpose: who writes programs with the library has the one that fits.
mkdir -p "$root/usr/share/lintian/overrides"
cat >"$root/usr/share/lintian/overrides/terminalai" <<END
# Program, library and headers are one package: nothing else in a release is linked with the library.
terminalai: package-name-doesnt-match-sonames *
terminalai: link-to-shared-library-in-wrong-package *
# Not made for Debian's archive, where a first upload closes the wish for it.
terminalai: initial-upload-closes-no-bugs *
END
[ -n "${DEBEMAIL-}" ] || printf '%s\n' '# Whoever makes it for others names himself by DEBEMAIL.' 'terminalai: bogus-mail-host *' 'terminalai: bogus-mail-host-in-debian-changelog *' \
    >>"$root/usr/share/lintian/overrides/terminalai"

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
Maintainer: $maintainer
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
soname=$(readelf -d "$root/usr/$library"/libterminalai.so.*.* | sed -n 's/.*SONAME.*\[libterminalai\.so\.\(.*\)\]$/\1/p')
printf 'libterminalai %s terminalai (>= %s)\n' "$soname" "$upstream" >"$root/DEBIAN/shlibs"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

chmod -R u=rwX,go=rX "$root"
chmod 644 "$root/usr/$library"/libterminalai.so.*.*
mkdir -p "$folder"
name=$folder/terminalai_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$name" >/dev/null
if command -v lintian >/dev/null; then
    # As root it says first that it should not be.
    lintian --tag-display-limit 0 --fail-on error,warning "$name" 2>"$stage/lintian.log" || {
        cat "$stage/lintian.log" >&2
        exit 1
    }
fi
echo "$name"
