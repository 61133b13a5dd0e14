import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { podTemplateProblems } from '../../rules/pod/pod-template.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { containerImages, containerNames, labelCell } from '../../rules/table-cells.ts'

export default defineResource('v1', 'PodTemplate', {
  answersDeletedObject: true,
  generation: true,
  columns: [
    { name: 'Name', description: 'Unique within the namespace', value: ({ metadata }) => metadata.name },
    { name: 'Containers', description: 'Names of the containers', value: ({ template }) => containerNames(template.spec.containers) },
    { name: 'Images', description: 'Images of the containers', value: ({ template }) => containerImages(template.spec.containers) },
    { name: 'Pod Labels', description: 'Labels of pods made from it', value: ({ template }) => labelCell(template.metadata.labels) },
  ],
  applyDefaults({ template }) {
    defaultPodSpec(template.spec)
  },
  validate: ({ template }) => podTemplateProblems(template, 'template'),
  warnings: ({ template }) => podSpecWarnings(template.spec, 'template.spec'),
})
