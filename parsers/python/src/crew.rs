//! Several cores at work on one capture, each in a thread of its own.
//!
//! What they hand over is put together in the order of the cores, so the same capture gives the same output with the same number
//! of them.

use crate::batch::Batch;
use crate::chunk::Spare;
use crate::line::Line;
use crate::office::Office;
use crate::part::Part;
use crate::places::Places;
use crate::records::Buffers;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, panicking, scope};
use transitproof_capture::Source;
use transitproof_flow::certificates::{Certificate, Certificates};
use transitproof_flow::{Core, Said, Share, Shares, Watch};

pub struct Crew {
    common: Common,
    shares: Shares,
    spare: Spare,
}

/// What is done for all of them.
pub struct Common {
    watch: Watch,
    /// What each core heard of DNS in the step before: it is judged while they are at the next one.
    said: Vec<Said>,
    certificates: Certificates,
}

/// What a thread is to do with its core.
#[derive(Clone, Copy)]
enum Task {
    /// Work off what is read.
    Work,
    /// End so many flows.
    Finish(usize),
}

/// A thread with a place for one core. Its own memory comes and goes with it, so it stays from step to step.
struct Worker {
    tasks: Sender<(Task, Core)>,
    /// And whether there is more to do.
    done: Receiver<(Core, bool)>,
}

/// The cores while they are at work on a capture.
struct Team<'a, 'b, S> {
    cores: &'a mut Vec<Core>,
    common: &'a mut Common,
    office: &'a Office<'b, S>,
    places: &'a Places,
    /// For all but the first core: that one's place is in the thread that waits for them.
    others: Vec<Worker>,
}

impl Crew {
    pub fn new(cores: &mut [Core], seed: u64) -> Option<Self> {
        let of = u32::try_from(cores.len()).ok()?;
        for (core, mine) in cores.iter_mut().zip(0..) {
            core.share(Share { mine, of });
        }
        let watch = cores.first()?.watch();
        let said = cores.iter().map(|_| Said::default()).collect();
        let common = Common { watch, said, certificates: Certificates::new(seed) };
        Some(Self { common, shares: Shares::new(of, seed), spare: Spare::default() })
    }

    pub fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    /// As `Core.feed`, with the rest of the last buffer; `frame` is the number of the last frame so far.
    pub fn feed<S: Source + Send>(
        &mut self,
        cores: &mut Vec<Core>,
        source: &mut S,
        frame: &mut u64,
        packets: u64,
    ) -> io::Result<bool> {
        self.with_team(cores, source, frame, &Places::default(), |team| team.feed(packets))
    }

    /// As `Core.run`. An error ends the reading, and is returned once all flows have ended.
    pub fn run<S: Source + Send>(
        &mut self,
        cores: &mut Vec<Core>,
        source: &mut S,
        frame: &mut u64,
        (packets, flows): (u64, usize),
        (buffers, mut hand_over): (&Buffers, impl FnMut(Batch) -> bool),
    ) -> io::Result<()> {
        let places = Places::for_workers(cores.len());
        self.with_team(cores, source, frame, &places, |team| {
            let read = team.read(packets, buffers, &mut hand_over);
            while team.finish(flows) {
                let parts = team.cores.iter_mut().map(|core| Part::of(core, buffers, false)).collect();
                hand_over(Batch::of(parts, Some(team.common), buffers));
            }
            read
        })
    }

    fn with_team<S: Source + Send, R>(
        &mut self,
        cores: &mut Vec<Core>,
        source: &mut S,
        frame: &mut u64,
        places: &Places,
        work: impl FnOnce(&mut Team<'_, '_, S>) -> R,
    ) -> R {
        let office = Office::new(source, &mut self.shares, frame, &self.spare, cores.len());
        let (common, office) = (&mut self.common, &office);
        scope(|scope| {
            let others = (1..cores.len()).map(|at| Worker::start(scope, office, places, at)).collect();
            places.take(0);
            let done = work(&mut Team { cores, common, office, places, others });
            places.leave();
            done
        })
    }

    /// As `Core.finish`, of all of them; so many flows of each.
    pub fn finish(&mut self, cores: &mut [Core], flows: usize) -> bool {
        let more = cores.iter_mut().fold(false, |more, core| more | core.finish(flows));
        self.common.watch();
        self.common.settle(cores, !more);
        if !more {
            self.shares.rewind();
        }
        more
    }
}

impl Worker {
    fn start<'scope, S: Source + Send>(
        scope: &'scope Scope<'scope, '_>,
        office: &'scope Office<'_, S>,
        places: &'scope Places,
        at: usize,
    ) -> Self {
        let ((tasks, inbox), (outbox, done)) = (channel(), channel());
        scope.spawn(move || {
            places.take(at);
            for (task, mut core) in inbox {
                let more = office.does(task, &mut core, at);
                if outbox.send((core, more)).is_err() {
                    return;
                }
            }
        });
        Self { tasks, done }
    }
}

impl<S: Source + Send> Team<'_, '_, S> {
    fn feed(&mut self, packets: u64) -> io::Result<bool> {
        self.office.open(packets);
        self.together(Task::Work);
        self.common.settle(self.cores, false);
        self.office.close()
    }

    /// Reads the whole capture. What comes of it is put together step by step while the cores go on.
    fn read(&mut self, packets: u64, buffers: &Buffers, hand_over: &mut impl FnMut(Batch) -> bool) -> io::Result<()> {
        self.office.open_in_steps(packets);
        let line = &Line::new(self.cores.len());
        scope(|scope| {
            let (office, places) = (self.office, self.places);
            places.leave();
            let work = |(at, core)| {
                scope.spawn(move || {
                    places.take(at);
                    let _alarm = Alarm { office, line };
                    go_through(office, line, buffers, (core, at));
                })
            };
            self.cores.iter_mut().enumerate().for_each(|core| drop(work(core)));
            while let Some(parts) = line.take() {
                let batch = self.common.put_together(parts, buffers);
                line.reuse(&mut self.common.said);
                if !hand_over(batch) {
                    line.stop();
                    office.abandon();
                }
            }
        });
        while let Some(parts) = line.rest() {
            hand_over(self.common.put_together(parts, buffers));
        }
        self.office.close().map(drop)
    }

    fn finish(&mut self, flows: usize) -> bool {
        let more = self.together(Task::Finish(flows));
        self.common.settle(self.cores, !more);
        if !more {
            self.office.rewind();
        }
        more
    }

    /// Each does the same with its core; whether one of them has more to do. What was said before is heard meanwhile.
    fn together(&mut self, task: Task) -> bool {
        let Common { watch, said, .. } = &mut *self.common;
        scope(|scope| {
            if said.iter().any(|said| !said.is_empty()) {
                scope.spawn(|| {
                    self.places.leave();
                    watch.hear(said);
                });
            }
            let mut cores = std::mem::take(self.cores).into_iter();
            let first = cores.next();
            for (worker, core) in self.others.iter().zip(cores) {
                // One that is gone has panicked, which shows below.
                let _ = worker.tasks.send((task, core));
            }
            let mut more = false;
            if let Some(mut core) = first {
                more |= self.office.does(task, &mut core, 0);
                self.cores.push(core);
            }
            for worker in &self.others {
                let (core, this) = worker.done.recv().expect("a worker that did not panic");
                self.cores.push(core);
                more |= this;
            }
            more
        })
    }
}

/// One that panics would let the others wait for ever.
struct Alarm<'a, 'b, S> {
    office: &'a Office<'b, S>,
    line: &'a Line,
}

impl<S> Drop for Alarm<'_, '_, S> {
    fn drop(&mut self) {
        if panicking() {
            self.line.stop();
            self.office.abandon();
        }
    }
}

/// What one core does, from step to step. Of tunnels it hears at the end of each what the others learnt up to the end of the one
/// before, and tells what nothing more can be heard of.
fn go_through<S: Source>(office: &Office<'_, S>, line: &Line, buffers: &Buffers, (core, at): (&mut Core, usize)) {
    let (mut step, mut chunk, mut before) = (0, 0, None);
    loop {
        let more = office.work(core, at, &mut chunk);
        let time = core.time();
        let mut part = Part::of(core, buffers, false);
        part.said = std::mem::replace(core.said(), line.spare());
        line.put(step, at, (part, core.take_heard()), more);
        if !more {
            break;
        }
        if !line.may_begin(step + 1) {
            return;
        }
        if let Some(before) = before.replace(time) {
            line.heard(step - 1, at).iter().for_each(|heard| core.hear_of_tunnels(heard));
            core.tell_leaks(Some(before));
        }
        step += 1;
    }
    if line.is_over(step) {
        let last = step.saturating_sub(1)..=step;
        last.flat_map(|step| line.heard(step, at)).for_each(|heard| core.hear_of_tunnels(&heard));
        core.tell_leaks(Some(core.time()));
    }
}

impl<S: Source> Office<'_, S> {
    fn does(&self, task: Task, core: &mut Core, at: usize) -> bool {
        match task {
            Task::Work => {
                self.work(core, at, &mut 0);
                false
            }
            Task::Finish(flows) => core.finish(flows),
        }
    }
}

impl Common {
    /// The batch of these parts, once what they heard of DNS is judged.
    fn put_together(&mut self, mut parts: Vec<Part>, buffers: &Buffers) -> Batch {
        self.said = parts.iter_mut().map(|part| std::mem::take(&mut part.said)).collect();
        self.watch();
        Batch::of(parts, Some(self), buffers)
    }

    /// Takes what the cores heard, to be judged with the next step, once that of the step before is.
    fn settle(&mut self, cores: &mut [Core], all: bool) {
        self.said.resize_with(cores.len(), Said::default);
        cores.iter_mut().zip(&mut self.said).for_each(|(core, said)| std::mem::swap(core.said(), said));
        tell_each_other(cores, all);
    }

    /// One who knows of all that was heard so far.
    pub fn watch(&mut self) -> &mut Watch {
        self.watch.hear(&mut self.said);
        &mut self.watch
    }

    /// Watches as these cores do from now on.
    pub fn watch_as(&mut self, cores: &[Core]) {
        if let Some(core) = cores.first() {
            self.watch = core.watch();
        }
    }

    /// Those of what the cores handed out that none did before.
    pub fn new_certificates(&mut self, certificates: &[Arc<Certificate>]) -> Vec<Arc<Certificate>> {
        certificates.iter().for_each(|certificate| _ = self.certificates.adopt(certificate));
        self.certificates.take_new()
    }

    /// Limits that were hit in what is done for all.
    pub fn limits(&mut self) -> Vec<(&'static str, u64)> {
        [&self.watch().limits()[..], &[("certificates", self.certificates.limited)]].concat()
    }
}

/// What each learnt of tunnels is told to the others; then they can say what passed those by.
fn tell_each_other(cores: &mut [Core], all: bool) {
    let heard: Vec<_> = cores.iter_mut().map(Core::take_heard).collect();
    for (core, own) in cores.iter_mut().zip(0..) {
        heard.iter().zip(0..).filter(|(_, from)| *from != own).for_each(|(heard, _)| core.hear_of_tunnels(heard));
        core.tell_leaks((!all).then(|| core.time()));
    }
}
