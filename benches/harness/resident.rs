//! How much memory this process has resident.

use crate::Failure;

/// Bytes of this process that are in memory, as the kernel counts them.
///
/// # Errors
/// Where the kernel does not say so in `/proc/self/status`.
pub fn resident_bytes() -> Result<u64, Failure> {
    of_status(&std::fs::read_to_string("/proc/self/status")?)
}

fn of_status(status: &str) -> Result<u64, Failure> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let kibibytes = kibibytes.ok_or_else(|| format!("expected VmRSS in kB in /proc/self/status, found {line:?}"))?;
    Ok(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_counts_in_kibibytes() {
        assert_eq!(of_status("Name:\tx\nVmRSS:\t    1024 kB\n").unwrap(), 1 << 20);
        assert!(of_status("Name:\tx\n").unwrap_err().to_string().contains("VmRSS"));
        assert!(of_status("VmRSS:\t12 MB\n").is_err());
    }

    #[test]
    fn what_is_written_to_is_resident() {
        let before = resident_bytes().unwrap();
        let bytes = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(resident_bytes().unwrap() >= before + (60 << 20), "{} bytes were written", bytes.len());
    }
}
