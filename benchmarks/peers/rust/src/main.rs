// SPDX-License-Identifier: Apache-2.0

//! The workloads as one writes them with `futures` and tokio: `buffered` and `buffer_unordered` over a stream of
//! numbers, each asked for 2x, with a timeout of 10 s on each call as the others have it. With `--no-timeout` there is
//! none: the least that such a stream costs. Speaks as benchmarks/suite.py wants it.
//!
//! A task without `unconstrained` yields to the runtime after so many steps; that makes P3 many times slower, so
//! none of them is constrained.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use serde_json::{json, Map, Value};
use tokio::sync::oneshot;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Ordered,
    Unordered,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Ordered => "ordered",
            Mode::Unordered => "unordered",
        }
    }
}

#[derive(Clone, Copy)]
enum Call {
    /// Completes at once.
    Instant,
    /// Completed by one of two threads, pinned with everything else to one core or not.
    HandedOver { cores: u32 },
    /// After 1 ms of tokio's timer.
    Later,
    /// After 5 ms; each hundredth after 500.
    HeadOfLine,
}

struct Measurement {
    workload: &'static str,
    mode: Mode,
    capacity: usize,
    records: i64,
    quick_records: i64,
    call: Call,
    has_timeout: bool,
}

fn measurements(has_timeout: bool) -> Vec<Measurement> {
    let mut all = Vec::new();
    let mut add = |workload, capacity, records, quick_records, call| {
        for mode in [Mode::Ordered, Mode::Unordered] {
            all.push(Measurement { workload, mode, capacity, records, quick_records, call, has_timeout });
        }
    };
    add("P1", 100, 20_000_000, 2_000_000, Call::Instant);
    for cores in [2, 1] {
        for capacity in [100, 1_000] {
            add("P2", capacity, 3_000_000, 300_000, Call::HandedOver { cores });
        }
    }
    add("P3", 10_000, 5_000_000, 500_000, Call::Later);
    add("P4", 100, 5_000, 1_000, Call::HeadOfLine);
    all
}

impl Measurement {
    fn described(&self) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("workload".into(), json!(self.workload));
        line.insert("mode".into(), json!(self.mode.name()));
        line.insert("capacity".into(), json!(self.capacity));
        if let Call::HandedOver { cores } = self.call {
            line.insert("cores".into(), json!(f64::from(cores)));
        }
        line
    }
}

/// What came out: the sum, and whether each was greater than the one before.
struct Checked {
    sum: i64,
    last: i64,
    in_order: bool,
}

async fn run_calls<F, C>(records: i64, of: &Measurement, ask: C) -> Checked
where
    F: Future<Output = i64>,
    C: Fn(i64) -> F,
{
    if of.has_timeout {
        let ask = &ask;
        let in_time = |x| async move {
            tokio::time::timeout(Duration::from_secs(10), ask(x)).await.expect("an answer in time")
        };
        sum_up(records, of, in_time).await
    } else {
        sum_up(records, of, ask).await
    }
}

async fn sum_up<F, C>(records: i64, of: &Measurement, ask: C) -> Checked
where
    F: Future<Output = i64>,
    C: Fn(i64) -> F,
{
    let (mode, capacity) = (of.mode, of.capacity);
    let calls = stream::iter(0..records).map(ask);
    let checked = Checked { sum: 0, last: -1, in_order: true };
    let take = |of: Checked, x: i64| async move {
        Checked { sum: of.sum + x, last: x, in_order: of.in_order && x > of.last }
    };
    match mode {
        Mode::Ordered => calls.buffered(capacity).fold(checked, take).await,
        Mode::Unordered => calls.buffer_unordered(capacity).fold(checked, take).await,
    }
}

type Handed = (i64, oneshot::Sender<i64>);

fn completer() -> mpsc::Sender<Handed> {
    let (give, take) = mpsc::channel::<Handed>();
    thread::spawn(move || {
        for (x, done) in take {
            let _ = done.send(2 * x);
        }
    });
    give
}

fn stay_on_one_core() {
    unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut one);
        libc::sched_setaffinity(0, std::mem::size_of_val(&one), &one);
    }
}

async fn run_call(of: &Measurement, records: i64) -> Checked {
    match of.call {
        Call::Instant => run_calls(records, of, |x| async move { 2 * x }).await,
        Call::HandedOver { .. } => {
            let threads = [completer(), completer()];
            run_calls(records, of, |x| {
                let (done, answer) = oneshot::channel();
                let _ = threads[(x & 1) as usize].send((x, done));
                async move { answer.await.expect("the thread has answered") }
            })
            .await
        }
        Call::Later => {
            run_calls(records, of, |x| async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                2 * x
            })
            .await
        }
        Call::HeadOfLine => {
            run_calls(records, of, |x| async move {
                let ms = if x % 100 == 37 { 500 } else { 5 };
                tokio::time::sleep(Duration::from_millis(ms)).await;
                2 * x
            })
            .await
        }
    }
}

/// How long it took, on the wall.
fn run(of: &Measurement, records: i64) -> Duration {
    let cores = match of.call {
        Call::HandedOver { cores } => cores,
        _ => 2,
    };
    if cores == 1 {
        stay_on_one_core();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores as usize)
        .enable_time()
        .build()
        .expect("a runtime");
    let began = Instant::now();
    let measured: &'static Measurement =
        Box::leak(Box::new(Measurement { ..*of }));
    let checked = runtime
        .block_on(runtime.spawn(tokio::task::unconstrained(run_call(measured, records))))
        .expect("it ran to its end");
    let took = began.elapsed();
    if checked.sum != records * (records - 1) || (of.mode == Mode::Ordered && !checked.in_order) {
        eprintln!("weir-peer-rust: wrong result");
        std::process::exit(1);
    }
    took
}

fn cpu_seconds() -> f64 {
    unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
        seconds(used.ru_utime) + seconds(used.ru_stime)
    }
}

fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let all = measurements(!words.iter().any(|word| word == "--no-timeout"));
    if words.iter().any(|word| word == "--list") {
        for (number, of) in all.iter().enumerate() {
            let mut line = of.described();
            line.insert("number".into(), json!(number));
            println!("{}", Value::Object(line));
        }
        return;
    }
    let place: usize = words.iter().find_map(|word| word.parse().ok()).unwrap_or(usize::MAX);
    let Some(of) = all.get(place) else {
        eprintln!("weir-peer-rust: there is no such measurement; --list says which there are");
        std::process::exit(2);
    };
    let quick = words.iter().any(|word| word == "--quick");
    let given = words.iter().find_map(|word| word.strip_prefix("--records=")?.parse::<i64>().ok());
    let records = given.unwrap_or(if quick { of.quick_records } else { of.records });
    if !matches!(of.call, Call::HeadOfLine) {
        run(of, (records / 10).max(1));
    }
    let before = cpu_seconds();
    let took = run(of, records);
    let mut line = of.described();
    line.insert("records".into(), json!(records));
    line.insert("seconds".into(), json!(took.as_secs_f64()));
    line.insert("cpu_seconds".into(), json!(cpu_seconds() - before));
    line.insert("peak_rss_mib".into(), json!(peak_rss_mib()));
    println!("{}", Value::Object(line));
}
