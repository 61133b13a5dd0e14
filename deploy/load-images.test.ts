import assert from 'node:assert/strict'
import { it } from 'node:test'
import { placeOf } from './load-images.ts'
import { CannotGoOn } from './step.ts'

for (const [image, repository, tag, isFromDockerHub] of [
  ['nginx', 'library/nginx', 'latest', true],
  ['nginx:1.27', 'library/nginx', '1.27', true],
  ['acme/tool', 'acme/tool', 'latest', true],
  ['docker.io/acme/tool:2', 'acme/tool', '2', true],
  ['docker.io/nginx', 'library/nginx', 'latest', true],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause', '3.10', false],
  ['ghcr.io/acme/deep/tool', 'ghcr.io/acme/deep/tool', 'latest', false],
  ['localhost:5000/tool:dev', 'localhost-5000/tool', 'dev', false],
  ['localhost/tool', 'localhost/tool', 'latest', false],
] as const) {
  it(`the place of ${image} in the cluster's registry`, () => assert.deepEqual(placeOf(image), { repository, tag, isFromDockerHub }))
}

it('an image named by digest has no place in a registry of its own digests', () => {
  assert.throws(() => placeOf(`nginx@sha256:${'0'.repeat(64)}`), CannotGoOn)
})
