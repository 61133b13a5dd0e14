import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from '../../command.ts'
import { type Disturbance, disturbanceRules } from './faults.ts'

const cases: [string, Disturbance][] = [
  ['nothing', {}],
  [
    'two halves',
    {
      groups: [
        ['server', 'n1'],
        ['n2', 'n3'],
      ],
    },
  ],
  ['three parts, one of them empty', { groups: [['server'], [], ['n2', 'n3']] }],
  ['loss', { loss: { n1: 20 } }],
  ['both', { groups: [['server'], ['n1']], loss: { n2: 100, server: 0.6 } }],
]

for (const [what, disturbance] of cases) {
  test(`the kernel takes the rules of: ${what}`, async () => {
    const rules = disturbanceRules(disturbance)
    const checked = await runCommand('unshare', ['--net', 'nft', '-c', '-f', '-'], { input: rules })
    assert.equal(checked.code, 0, `${checked.stderr}\n${rules}`)
  })
}

test('machines of one group, and those of none, hear each other', () => {
  const rules = disturbanceRules({ groups: [['server', 'n1'], ['n2']] })
  assert.match(rules, /iifname \{ "server", "n1" \} oifname \{ "n2" \} drop/)
  assert.match(rules, /iifname \{ "n2" \} oifname \{ "server", "n1" \} drop/)
  assert.doesNotMatch(rules, /n3|outer/)
  assert.equal(rules.match(/drop/g)?.length, 2)
})
