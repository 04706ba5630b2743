// A plugin of typedoc that leaves out of the page what a reader does not need twice, or at all.
//
// Mapping implements an interface for each capability, and the doc comments stand in the interfaces. typedoc copies the comments
// to the members of the class, and would describe each member a second time in its interface. The plugin leaves the interfaces
// with a list of their members that refers to the class.
//
// Methods such as `_read` and `_write`, by which a class implements a stream of Node, are left out.

import { Converter } from 'typedoc'

// Runs after the resolvers of typedoc, which copy the doc comments.
const LAST = -10_000

/** @param {import('typedoc').Application} app */
export function load({ converter }) {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => removeImplementation(project))
  converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => describeOnce(project, project.getChildByName('Mapping')),
    LAST,
  )
}

/** @param {import('typedoc').ProjectReflection} project */
function removeImplementation(project) {
  for (const { children = [] } of project.children) {
    for (const member of children.toReversed()) if (member.name.startsWith('_')) project.removeReflection(member)
  }
}

/**
 * @param {import('typedoc').ProjectReflection} project
 * @param {import('typedoc').DeclarationReflection} mapping
 */
function describeOnce(project, mapping) {
  for (const { reflection } of mapping.implementedTypes) {
    reflection.comment.summary.push(...listMembers(reflection, mapping))
    for (const member of reflection.children.toReversed()) project.removeReflection(member)
    delete reflection.groups
  }
  for (const member of mapping.children) {
    // typedoc gives a getter the comment twice: as the comment of the property too.
    if (member.getSignature?.comment) delete member.comment
    for (const part of [member, member.getSignature, ...(member.signatures ?? [])]) delete part?.implementationOf
  }
}

/**
 * @param {import('typedoc').DeclarationReflection} capability
 * @param {import('typedoc').DeclarationReflection} mapping
 * @returns {import('typedoc').CommentDisplayPart[]}
 */
function listMembers(capability, mapping) {
  const names = capability.children.map(({ name, signatures }) => `\`${name}${signatures ? '()' : ''}\``)
  return [
    { kind: 'text', text: '\n\nMembers, described in ' },
    { kind: 'inline-tag', tag: '@link', text: 'Mapping', target: mapping },
    { kind: 'text', text: `: ${names.join(', ')}.` },
  ]
}
