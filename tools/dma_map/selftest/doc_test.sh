# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# make doc: groups of packages, the kernel tree of links, and the links of the site.

# shellcheck source=../lib/host.sh
. "$TOOLS/lib/host.sh"
# shellcheck source=../lib/root.sh
. "$TOOLS/lib/root.sh"
# shellcheck source=../lib/source.sh
. "$TOOLS/lib/source.sh"

test_group_has_packages_and_a_root_of_its_own() {
	CACHE=$PWD
	wanted_packages | grep -x rustc >/dev/null
	[ -z "$(wanted_packages | grep -x python3-sphinx)" ]
	[ -z "$(GROUP=doc wanted_packages | grep -x rustc)" ]
	GROUP=doc wanted_packages | grep -x python3-sphinx >/dev/null
	case $(GROUP=doc root_path) in "$CACHE/root-trixie-doc-"*) ;; *) exit 1 ;; esac
	expect '' "$(GROUP=no-such wanted_packages)"
}

test_group_does_not_change_the_root_of_the_toolchain() {
	local before
	CACHE=$PWD TOOLS=$PWD
	printf '# why\nrustc\nmake # that too\n' >packages.list
	before=$(root_path)
	printf '\n[doc]\nsphinx\n[more]\nless\n' >>packages.list
	expect "$before" "$(root_path)"
	expect 'sphinx' "$(GROUP=doc wanted_packages)"
	expect 'less' "$(GROUP=more wanted_packages)"
}

test_group_that_does_not_exist_is_an_error() {
	DMA_MAP_CACHE=$PWD expect_error 'no group nonsense' "$TOOLS/devenv" run --group nonsense true
}

test_group_is_not_installed_from_within() {
	DMA_MAP_CACHE=$PWD DMA_MAP_ENV=1 PATH=$PWD:$PATH
	export DMA_MAP_CACHE DMA_MAP_ENV PATH
	printf '#!/bin/sh\n' >dpkg-query
	chmod +x dpkg-query
	expect_error 'outside of .devenv run' "$TOOLS/devenv" run --group doc true
}

a_site() {
	mkdir -p "site/rustdoc/dma_map/mem" site/rustdoc/src/dma_map
	cat >site/rustdoc/dma_map/all.html <<-'END'
		<li><a href="mem/struct.Region.html">mem::Region</a></li><li><a href="enum.Way.html">Way</a></li>
		<li><a href="mem/struct.Twice.html">mem::Twice</a></li><li><a href="enum.Twice.html">Twice</a></li>
	END
	echo '<nav class="sidebar"></nav><section id="method.give"></section>' >site/rustdoc/dma_map/mem/struct.Region.html
	echo '<nav class="sidebar"></nav><code>Documentation/dma_map/index.rst</code>' >site/rustdoc/dma_map/enum.Way.html
	echo '<nav class="sidebar"></nav>' | tee site/rustdoc/dma_map/{mem/struct,enum}.Twice.html
	cat >site/index.html <<-'END'
		<h1 id="top"><a href="#top"><code class="docutils literal notranslate"><span class="pre">Way</span></code></a></h1>
		<code class="docutils literal notranslate"><span class="pre">Region</span></code>
		<code class="docutils literal notranslate"><span class="pre">Region::give</span></code>
		<code class="docutils literal notranslate"><span class="pre">Region::none</span></code>
		<code class="docutils literal notranslate"><span class="pre">Twice</span></code>
		<code class="docutils literal notranslate"><span class="pre">Documentation/dma_map/index.rst</span></code>
		<p>See Documentation/dma_map/index.rst, not Documentation/dma_map/gone.rst.</p>
	END
}

test_pages_and_api_are_joined() {
	a_site >/dev/null
	expect '1 pages, 4 items: 4 links to the API, 1 back to pages' "$("$TOOLS/doc_site.py" site | sed -n 1p)"
	grep -q '<a class="reference internal" href="rustdoc/dma_map/mem/struct.Region.html"><code' site/index.html
	grep -q 'href="rustdoc/dma_map/mem/struct.Region.html#method.give"' site/index.html
	# What no item has, what two items have, and what is in a link stays text.
	expect 4 "$(grep -c 'class="reference internal"' site/index.html)"
	grep -q '<a href="../../../index.html">Pages' site/rustdoc/dma_map/mem/struct.Region.html
	grep -q '<a href="../../index.html"><code>Documentation' site/rustdoc/dma_map/enum.Way.html
}

test_link_that_leads_nowhere_is_found() {
	local output
	a_site >/dev/null
	"$TOOLS/doc_site.py" site >/dev/null
	for link in gone.html 'index.html#gone' 'rustdoc/dma_map/enum.Way.html#12-30' '#gone'; do
		a_site >/dev/null
		echo "<a href='$link'></a><a href=mailto:x@y>" >>site/index.html
		! output=$("$TOOLS/doc_site.py" site) || exit 1
		grep -qF "index.html: $link: no such" <<<"$output"
	done
}

test_links_into_other_crates_follow_moves_and_end_at_what_is_hidden() {
	a_site >/dev/null
	mkdir -p site/rustdoc/core/ops/deref
	echo '<b id="method.deref">' >site/rustdoc/core/ops/Deref.html
	echo '<meta http-equiv="refresh" content="0;URL=../Deref.html">' >site/rustdoc/core/ops/deref/Deref.html
	cat >>site/rustdoc/dma_map/enum.Way.html <<-'END'
		<a class="trait" href="../core/ops/deref/Deref.html#method.deref" title="x">Deref</a>
		<a class="trait" href="../core/ops/Hidden.html#method.deref" title="x">Hidden</a>
	END
	"$TOOLS/doc_site.py" site
	grep -qx 'Hidden' site/rustdoc/dma_map/enum.Way.html
	grep -q '>Deref</a>' site/rustdoc/dma_map/enum.Way.html
	a_site >/dev/null
	echo '<a href="../core/ops/deref/Deref.html#method.gone">Deref</a>' >>site/rustdoc/dma_map/enum.Way.html
	! "$TOOLS/doc_site.py" site || exit 1
}

test_tree_of_links_has_the_source_and_is_not_it() {
	mkdir -p source/{Documentation/sphinx,drivers/net,kernel}
	touch source/{Makefile,Documentation/conf.py,drivers/Kconfig,kernel/fork.c}
	link_source "$PWD/source" "$PWD/tree"
	rm tree/drivers/Kconfig
	mkdir tree/drivers/dma_map
	[ -e source/drivers/Kconfig ] && [ ! -e source/drivers/dma_map ]
	[ -e tree/kernel/fork.c ] && [ -e tree/Documentation/conf.py ] && [ -e tree/Makefile ]
}
