#!/bin/sh
# Checks this evidence package with standard tools only.
#
#     sh verify.sh                               manifests, added files, custody log; a signature only against its own key
#     sh verify.sh ALLOWED_SIGNERS IDENTITY      also who signed: a line "IDENTITY ssh-ed25519 AAAA..." that you have from the signer
#
# Exit 0: as it was packed, within what HOWTO-VERIFY.txt says. Exit 4: not. This script came with the package: see HOWTO-VERIFY.txt.

LC_ALL=C
export LC_ALL
signers=$1
identity=$2
case $signers in
'' | /*) ;;
*) signers=$PWD/$signers ;;
esac
cd "$(dirname "$0")" || exit 4
namespace=evidence-package@canary-forensics
failures=0

fail() {
    printf 'FAILED  %s\n' "$1"
    failures=$((failures + 1))
}

sum() { # sum 256|512 ARGUMENTS: sha256sum of GNU, busybox; shasum elsewhere
    bits=$1
    shift
    if command -v "sha${bits}sum" >/dev/null 2>&1; then "sha${bits}sum" "$@"; else shasum -a "$bits" "$@"; fi
}

# 1. Every file that is named is as it was packed.
for bits in 256 512; do
    for list in "manifest-sha$bits.txt" "tagmanifest-sha$bits.txt"; do
        if [ ! -f "$list" ]; then
            fail "$list: is missing"
        elif ! told=$(sum "$bits" -c "$list" 2>&1); then
            printf '%s\n' "$told" | sed '/: OK$/d; s/^/        /'
            fail "$list: files differ or are missing"
        fi
    done
done

# 2. Nothing is there that is not named.
listed=$(sed 's/^[0-9a-f]*  //' manifest-sha256.txt)
found=$(find data ! -type d | sort)
[ "$listed" = "$found" ] || fail "data: files are not those of manifest-sha256.txt"
listed=$(sed 's/^[0-9a-f]*  //' tagmanifest-sha256.txt)
found=$(find . ! -type d ! -path './data/*' ! -path './signatures/*' ! -path './tagmanifest-sha256.txt' ! -path './tagmanifest-sha512.txt' | sed 's|^\./||' | sort)
[ "$listed" = "$found" ] || fail ".: files are not those of tagmanifest-sha256.txt"
[ -z "$(find . -type l)" ] || fail ".: links"
if [ -d signatures ]; then
    found=$(find signatures ! -type d | sort | tr '\n' ' ')
    wanted='signatures/public-key.pem signatures/public-key.pub signatures/tagmanifest-sha256.txt.ed25519 signatures/tagmanifest-sha256.txt.sig '
    [ "$found" = "$wanted" ] || fail "signatures: other files than a signed package has"
fi

# 3. Each line of the custody log holds the hash of the one before, and the last is the one that bag-info.txt pins.
previous=0000000000000000000000000000000000000000000000000000000000000000
number=0
while IFS= read -r line; do
    number=$((number + 1))
    case $line in
    *"\"prev\":\"$previous\"}") ;;
    *) fail "data/custody/custody.jsonl: line $number does not hold the hash of the line before" ;;
    esac
    previous=$(printf '%s\n' "$line" | sum 256 | cut -c 1-64)
done <data/custody/custody.jsonl
[ "$previous" = "$(sed -n 's/^Custody-Head: //p' bag-info.txt)" ] || fail "data/custody/custody.jsonl: the last line is not the one that bag-info.txt pins"
[ "$number" = "$(sed -n 's/^Custody-Lines: //p' bag-info.txt)" ] || fail "data/custody/custody.jsonl: has $number lines, bag-info.txt pins another number"

# 4. Who sealed it.
signature=signatures/tagmanifest-sha256.txt.sig
if [ ! -d signatures ]; then
    [ -z "$signers" ] || fail "signatures: there is no signature"
    echo 'unsigned: detects accident, not an attacker'
elif ! command -v ssh-keygen >/dev/null 2>&1; then
    [ -z "$signers" ] || fail "signatures: ssh-keygen is needed to check them"
    echo 'signature NOT checked: ssh-keygen is not installed'
elif [ -n "$signers" ]; then
    ssh-keygen -Y verify -f "$signers" -I "$identity" -n $namespace -s $signature <tagmanifest-sha256.txt || fail "$signature: is not by $identity"
else
    ssh-keygen -Y check-novalidate -n $namespace -s $signature <tagmanifest-sha256.txt || fail "$signature: is not a signature over tagmanifest-sha256.txt"
    echo 'signed by the key above: compare its fingerprint with one that the signer told you'
fi

if [ $failures -gt 0 ]; then
    echo "$failures failed"
    exit 4
fi
echo "as it was packed: $(grep -c . manifest-sha256.txt) files, custody log of $number lines"
