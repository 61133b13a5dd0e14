import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadProto } from '../../../shared/grpc/grpc-client.ts'

const OURS = fileURLToPath(new URL('./cri.proto', import.meta.url))
/** Where Debian's golang-k8s-cri-api-dev puts it; another copy by COXSWAIN_CRI_PROTO. */
const PACKAGED = process.env['COXSWAIN_CRI_PROTO'] ?? '/usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto'

/** Every fact of a file as a line: fields with number, type and label, values of enums, calls with what they take and give. */
function factsOf(file: string): string[] {
  const facts: string[] = []
  for (const [name, definition] of Object.entries(loadProto(file))) {
    if (typeof definition.format !== 'string') {
      for (const [call, { path, requestStream, responseStream, requestType, responseType }] of Object.entries(definition)) {
        const takes = (requestType.type as Described).name
        const gives = (responseType.type as Described).name
        facts.push(`${call}: ${path} ${takes} ${requestStream} → ${gives} ${responseStream}`)
      }
      continue
    }
    const type = definition.type as Described
    for (const field of type.field ?? [])
      facts.push(`${name}.${field.name} = ${field.number} ${field.label} ${field.type} ${(field.typeName ?? '').split('.').at(-1)}`)
    for (const { name: value, number } of type.value ?? []) facts.push(`${name}.${value} = ${number}`)
  }
  return facts
}

interface Described {
  name: string
  field?: { name: string; number: number; label: string; type: string; typeName?: string }[]
  value?: { name: string; number: number }[]
}

describe('the interface as it is written here', () => {
  it('is a part of the packaged one: same names, numbers and types', {
    skip: existsSync(PACKAGED) ? false : 'no copy of the interface is installed',
  }, () => {
    const theirs = new Set(factsOf(PACKAGED))
    const strange = factsOf(OURS).filter((fact) => !theirs.has(fact))
    assert.deepEqual(strange, [])
  })

  it('has what the driver calls', () => {
    const facts = factsOf(OURS)
    assert.ok(
      facts.includes('RunPodSandbox: /runtime.v1.RuntimeService/RunPodSandbox RunPodSandboxRequest false → RunPodSandboxResponse false'),
    )
    assert.ok(
      facts.includes(
        'GetContainerEvents: /runtime.v1.RuntimeService/GetContainerEvents GetEventsRequest false → ContainerEventResponse true',
      ),
    )
    assert.ok(
      facts.some((fact) => fact.startsWith('runtime.v1.ContainerStatus.logPath = 15 ')),
      facts.join('\n'),
    )
  })
})
