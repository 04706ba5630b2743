//! Prints the facts about a shared library that `scripts/check-artifact.mjs` judges, one on each line: a key, a tab, values.
//!
//! The `object` crate reads ELF, Mach-O and PE the same way on every system; `llvm-readobj` prints only ELF as JSON, and macOS
//! and Windows do not bring it.

use std::error::Error;
use std::{env, fs, process};

use object::read::elf::{ElfFile64, ProgramHeader};
use object::read::macho::{MachHeader, MachOFile64};
use object::read::pe::PeFile64;
use object::{
    Architecture, Endianness, FileKind, LittleEndian, Object, ObjectKind, ObjectSymbol, elf, macho,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    let Some(path) = env::args_os().nth(1) else {
        eprintln!("usage: inspect FILE");
        process::exit(2);
    };
    let outcome = fs::read(path)
        .map_err(Into::into)
        .and_then(|data| inspect(&data));
    if let Err(error) = outcome {
        eprintln!("{error}");
        process::exit(1);
    }
}

fn inspect(data: &[u8]) -> Result<()> {
    match FileKind::parse(data) {
        Ok(FileKind::Elf64) => inspect_elf(data),
        Ok(FileKind::MachO64) => inspect_macho(data),
        Ok(FileKind::Pe64) => inspect_pe(data),
        _ => Err("neither a 64-bit ELF, Mach-O nor PE file".into()),
    }
}

fn inspect_elf(data: &[u8]) -> Result<()> {
    let file = ElfFile64::<Endianness>::parse(data)?;
    let endian = file.endian();
    report("format", "elf");
    report_architecture(file.architecture());
    if file.kind() == ObjectKind::Dynamic {
        report("library", "");
    }
    let dynamic = file.elf_dynamic_table()?;
    for entry in dynamic.iter() {
        match entry.tag {
            elf::DT_NEEDED => report_bytes("needs", dynamic.string(entry)?),
            elf::DT_RPATH | elf::DT_RUNPATH => report_bytes("runpath", dynamic.string(entry)?),
            elf::DT_TEXTREL => report("text-relocations", ""),
            _ => {}
        }
    }
    // Symbols that other modules see, or that other modules have to define.
    for symbol in file.dynamic_symbols().filter(|symbol| !symbol.is_local()) {
        let key = if symbol.is_undefined() {
            "undefined"
        } else {
            "export"
        };
        report_bytes(key, symbol.name_bytes()?);
    }
    let sections = file.elf_section_table();
    if let Some((mut libraries, strings)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, strings)?;
        while let Some((_, mut versions)) = libraries.next()? {
            while let Some(version) = versions.next()? {
                report_bytes("version", version.name(endian, strings)?);
            }
        }
    }
    // Without the header the kernel makes the stack executable.
    let stack = file
        .elf_program_headers()
        .iter()
        .find(|each| each.p_type(endian) == elf::PT_GNU_STACK);
    if stack.is_none_or(|header| header.p_flags(endian).contains(elf::PF_X)) {
        report("executable-stack", "");
    }
    Ok(())
}

fn inspect_macho(data: &[u8]) -> Result<()> {
    let file = MachOFile64::<Endianness>::parse(data)?;
    let endian = file.endian();
    report("format", "mach-o");
    report_architecture(file.architecture());
    // A bundle is a library that a program loads.
    if [macho::MH_DYLIB, macho::MH_BUNDLE].contains(&file.macho_header().filetype(endian)) {
        report("library", "");
    }
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        match command.cmd() {
            macho::LC_RPATH => report("rpath", ""),
            macho::LC_CODE_SIGNATURE => report("signature", ""),
            macho::LC_ID_DYLIB => {}
            _ => {
                if let Some(library) = command.dylib()? {
                    report_bytes("needs", command.string(endian, library.dylib.name)?);
                }
            }
        }
    }
    for symbol in file.symbols().filter(ObjectSymbol::is_global) {
        let key = if symbol.is_undefined() {
            "undefined"
        } else {
            "export"
        };
        let name = symbol.name_bytes()?;
        // C names start with an underscore on this platform.
        report_bytes(key, name.strip_prefix(b"_").unwrap_or(name));
    }
    Ok(())
}

fn inspect_pe(data: &[u8]) -> Result<()> {
    let file = PeFile64::parse(data)?;
    report("format", "pe");
    report_architecture(file.architecture());
    if file.kind() == ObjectKind::Dynamic {
        report("library", "");
    }
    if let Some(table) = file.import_table()? {
        let mut libraries = table.descriptors()?;
        while let Some(library) = libraries.next()? {
            report_bytes("needs", table.name(library.name.get(LittleEndian))?);
        }
    }
    // A library that is loaded later is needed too.
    if let Some(table) = file.delay_load_import_table()? {
        let mut libraries = table.descriptors()?;
        while let Some(library) = libraries.next()? {
            report_bytes("needs", table.name(library.dll_name_rva.get(LittleEndian))?);
        }
    }
    if let Some(table) = file.export_table()? {
        for export in table.exports()? {
            if let Some(name) = export.name {
                report_bytes("export", name);
            }
        }
    }
    Ok(())
}

fn report_architecture(architecture: Architecture) {
    match architecture {
        Architecture::X86_64 => report("arch", "x64"),
        Architecture::Aarch64 => report("arch", "arm64"),
        other => report("arch", &format!("{other:?}")),
    }
}

fn report(key: &str, value: &str) {
    println!("{key}\t{value}");
}

fn report_bytes(key: &str, value: &[u8]) {
    report(key, &String::from_utf8_lossy(value));
}
