// The public types, as API Extractor reads them in dist/, are those of the report that is committed in api/: a change of the
// API shows in a review. Every type that a public signature names must be exported, and doc comments must be TSDoc.
//
// Each entry point has a configuration, `api/NAME.json`, and a report, `api/NAME.api.md`. With `--write` the reports are
// written anew, which `npm run api:report` does. `npm run build:ts` comes first.

import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { root } from './run.mjs'

const folder = path.join(root, 'api')
const isWriting = process.argv.includes('--write')

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json') && file !== 'tsconfig.json')) {
  const config = ExtractorConfig.loadFileAndPrepare(path.join(folder, name))
  const { apiReportChanged, errorCount, warningCount } = Extractor.invoke(config, {
    localBuild: isWriting,
    messageCallback: quiet,
  })
  if (apiReportChanged && !isWriting) {
    console.log(`api/${name}: the report is stale. Run \`npm run api:report\` and commit what it writes`)
  }
  if (errorCount + warningCount > 0 || (apiReportChanged && !isWriting)) process.exitCode = 1
}

// Progress is not worth a line: only what is wrong is printed.
/** @param {import('@microsoft/api-extractor').ExtractorMessage} message */
function quiet(message) {
  if (message.logLevel === 'info' || message.logLevel === 'verbose') message.handled = true
}
