import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendJunk } from '../test/harness/dns-junk.ts'

// A million of them: COXSWAIN_JUNK_PACKETS=1000000 tools/node --test dns/junk.test.ts
test('junk at the real sockets, from clients and from servers outside, stops nobody from being answered', async (context) => {
  const packets = Number(process.env['COXSWAIN_JUNK_PACKETS'] ?? 5_000)
  const before = process.memoryUsage().rss
  const result = await sendJunk(context, packets, 28)
  context.diagnostic(`${JSON.stringify({ ...result, grownMiB: Math.round((process.memoryUsage().rss - before) / 2 ** 20) })}`)
  assert.equal(result.packets, packets)
  assert.ok(result.answers > packets / 20 && result.honest >= packets / 250)
  assert.deepEqual(result.errors, [])
  // The cache of answers, and what the kernel of the language takes for itself.
  assert.ok(process.memoryUsage().rss - before < 250 * 2 ** 20)
})
