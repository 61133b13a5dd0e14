import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinkRewriter, rewrittenAddress } from './link-rewriter.ts'

const prefix = '/api/v1/namespaces/ns/services/web/proxy'
const place = { prefix, hosts: ['10.0.0.7:8080', 'cluster:6443'] }

for (const [address, expected] of [
  ['/a?b#c', `${prefix}/a?b#c`],
  ['/', `${prefix}/`],
  ['a/b', 'a/b'],
  ['?q', '?q'],
  ['#here', '#here'],
  ['', ''],
  ['http://10.0.0.7:8080/a', `${prefix}/a`],
  ['http://10.0.0.7:8080', `${prefix}/`],
  ['https://cluster:6443/a?b', `${prefix}/a?b`],
  ['//10.0.0.7:8080/a', `${prefix}/a`],
  ['http://elsewhere/a', 'http://elsewhere/a'],
  ['//elsewhere/a', '//elsewhere/a'],
  ['mailto:me@here', 'mailto:me@here'],
  [`${prefix}/a`, `${prefix}/a`],
  [prefix, prefix],
  [`${prefix}x`, `${prefix}${prefix}x`],
] as const) {
  test(`the address ${JSON.stringify(address)} of a proxied answer becomes ${JSON.stringify(expected)}`, () => {
    assert.equal(rewrittenAddress(address, place), expected)
  })
}

const page = `<!DOCTYPE html><html><head><title>a <a href="/no"></title><link rel=stylesheet href=/style.css>
<script src='/x.js'>if (a<b) document.write('<a href="/no">')</script><style>a{content:"<img src='/no'>"}</style></head>
<body background="/bg.png"><!-- <a href="/no"> --><A HREF = "/yes" title="/no > /no">1 < 2</A><img alt="a>b" src="/i.png" data-src="/no"/>
<a href="rel">r</a><a data-href="/no" href="http://elsewhere/">e</a><form action=/post method=post></form><video poster="/p" src="/v">\xe9\xff</video></body></html>`
const expected = page
  .replaceAll(/(href=|HREF = |src=|action=|background=|poster=)(["']?)\/(?!no)/g, `$1$2${prefix}/`)
  .replace('data-src="/no"', 'data-src="/no"')

for (const size of [1, 2, 7, 100, 10_000]) {
  test(`links of a page are rewritten, and nothing else, in pieces of ${size}`, () => {
    const rewriter = new LinkRewriter(place)
    let out = ''
    for (let at = 0; at < page.length; at += size) out += rewriter.push(page.slice(at, at + size))
    assert.equal(out + rewriter.end(), expected)
  })
}

test('a tag without end is not kept for ever', () => {
  const rewriter = new LinkRewriter(place)
  let out = 0
  for (let piece = 0; piece < 100; piece++) out += rewriter.push(piece === 0 ? `<a ${'x'.repeat(997)}` : 'x'.repeat(1000)).length
  assert.ok(out > 80_000, `${out} of 100,000 characters went through`)
})
