//! Runs groups under Criterion.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use wirespeed_benches::{groups::Build, machine};

pub fn run(groups: Vec<Build>) {
    machine::pin_to_a_core();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .sample_size(20)
        .configure_from_args();
    for build in groups {
        let group = build.make();
        let mut benches = criterion.benchmark_group(&group.id);
        for mut entry in group.entries {
            // What one run does, since that is what is timed.
            let bytes = (entry.operations * group.bytes) as u64;
            benches.throughput(Throughput::ElementsAndBytes {
                elements: entry.operations as u64,
                bytes,
            });
            let id = BenchmarkId::new(&entry.name, &group.case);
            benches.bench_function(id, |bencher| bencher.iter(|| (entry.run)()));
        }
        benches.finish();
    }
    criterion.final_summary();
}
