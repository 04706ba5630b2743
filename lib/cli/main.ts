#!/usr/bin/env node
/**
 * What is installed as `memmap`.
 */
import { run } from './run.js'

void run(process.argv.slice(2))
