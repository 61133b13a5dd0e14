import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startApi } from '../harness/api.ts'
import { findKubectl, kubectlFor } from '../harness/kubectl.ts'

test("kubectl makes a kind of one's own, explains it, and works with its objects", async (t) => {
  const program = await findKubectl()
  const api = await startApi({ listen: true }, t)
  const kubectl = kubectlFor(program, join(api.dataDir, 'credentials', 'admin.kubeconfig'))
  const folder = 'examples/custom-resources'
  assert.match(await kubectl.ok(`apply -f ${folder}/definition.yaml`), /reminders.learn.example.com created/)
  await kubectl.ok('wait --for=condition=Established crd/reminders.learn.example.com --timeout=30s')
  assert.match(await kubectl.ok(`apply -f ${folder}/reminder.yaml`), /reminder.learn.example.com\/water-the-plants created/)
  assert.match(await kubectl.ok('get rem'), /NAME +TEXT +EVERY\nwater-the-plants +Water the plants +1440/)
  assert.match(await kubectl.ok('explain reminder.spec'), /everyMinutes\s+<integer>\s+How often it is said/)
  assert.match(await kubectl.ok('api-resources --api-group=learn.example.com'), /reminders +rem +learn.example.com\/v1 +true +Reminder/)
  assert.match(await kubectl.ok('get crd'), /reminders.learn.example.com/)
  const manifest = (spec: string) => `{"apiVersion":"learn.example.com/v1","kind":"Reminder","metadata":{"name":"other"},"spec":${spec}}`
  assert.match(await kubectl.fails('create -f -', { input: manifest('{"text":"x","odd":1}') }), /unknown field "spec.odd"/)
  assert.match(
    await kubectl.fails('create -f -', { input: manifest('{"text":"x","mood":"grim"}') }),
    /spec.mood: Unsupported value: "grim"/,
  )
  await kubectl.ok(['patch', 'reminder', 'water-the-plants', '--type=merge', '-p', '{"spec":{"everyMinutes":30}}'])
  assert.equal(await kubectl.ok('get reminder water-the-plants -o jsonpath={.spec.everyMinutes}'), '30')
  await kubectl.ok('delete crd reminders.learn.example.com --timeout=30s')
  assert.match(await kubectl.fails('get reminders'), /NotFound|doesn't have a resource type/)
})
