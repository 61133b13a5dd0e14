import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../shared/random/random.ts'
import { mutate } from './mutate.ts'
import { runTarget } from './run-target.ts'
import { targetNames } from './target-names.ts'

/** Together about a minute; `make fuzz` runs as long as one wants. */
const SECONDS = 2

/** Another one each day, so that runs of one day can be compared and many days look further. */
const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Date.now() / 86_400_000))

for (const name of targetNames()) {
  test(`${name}: the kept inputs and some seconds of new ones are read or refused`, async () => {
    const { inputs, findings } = await runTarget({ name, seconds: SECONDS, seed })
    const told = findings.map(({ input, why }) => `${why}\n  of the input (hex) ${input.toString('hex').slice(0, 2000)}`)
    assert.deepEqual(told, [], `replay with: make fuzz ONLY=${name} SEED=${seed}`)
    assert.ok(inputs > 20, `only ${inputs} inputs were read`)
  })
}

test('every folder of kept inputs belongs to a reader', () => {
  const names = targetNames()
  assert.deepEqual(
    readdirSync(join(import.meta.dirname, 'seeds')).filter((name) => !names.includes(name)),
    [],
  )
})

test('a reader that hangs, one that eats memory and one that fails are each found, with the input', async () => {
  for (const [name, why] of [
    ['hangs', /not read within/],
    ['eats-memory', /the thread died of it/],
    ['fails', /the fault/],
  ] as const) {
    const { findings } = await runTarget({
      name: `../faulty/${name}`,
      seconds: 2,
      seed: 1,
      patience: name === 'hangs' ? 1_500 : 60_000,
      heap: 32,
    })
    assert.match(findings[0]?.why ?? 'nothing was found', why, name)
    assert.ok(findings[0]!.input.includes('!'), name)
  }
})

test('the same seed makes the same inputs', () => {
  const made = () => {
    const random = seededRandom(5)
    return Array.from({ length: 200 }, () =>
      mutate(Buffer.from('{"a":[1,2]}'), [Buffer.from('xyz')], [Buffer.from('word')], random).toString('hex'),
    )
  }
  assert.deepEqual(made(), made())
})
