//! CPU time of this thread and of this process, and criterion's clock over it.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::time::Duration;

/// CPU time that the calling thread has used since it began, in user and kernel mode.
pub fn of_thread() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time that all threads of this process have used since it began, in user and kernel mode. Child processes do not
/// count: a Kafka server beside us is not in it.
pub fn of_process() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Lets criterion measure the CPU time of the calling thread instead of the wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadCpu;

static WALL: WallTime = WallTime;

impl Measurement for ThreadCpu {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        of_thread()
    }

    fn end(&self, began: Duration) -> Duration {
        of_thread().saturating_sub(began)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        // Nanoseconds, which is what criterion's own formatter of durations takes.
        value.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WALL.formatter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_counts_and_sleep_does_not() {
        let (thread, process, began) = (of_thread(), of_process(), Instant::now());
        std::thread::sleep(Duration::from_millis(50));
        let slept = of_thread().saturating_sub(thread);
        assert!(slept < Duration::from_millis(25), "{slept:?} of CPU time in a sleep of 50 ms");
        let mut sum = 0_u64;
        while of_thread().saturating_sub(thread) < Duration::from_millis(20) {
            assert!(began.elapsed() < Duration::from_secs(30), "no 20 ms of CPU time in 30 s");
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(of_process().saturating_sub(process) >= Duration::from_millis(20));
    }
}
