//! What is wanted of other devices, and what that means for those who are only heard.

use super::*;

#[tokio::test(start_paused = true)]
async fn while_a_radio_only_hangs_up_it_listens_again() {
    let rig = Rig::start(&Fake::new());
    rig.fake.air().answers.insert(ANA, Answer::Bytes(card("Ana").encode().unwrap()));
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, true), None);
    rig.fake.until(|air| air.running == 1).await;
    rig.fake.until(|air| air.listening || air.running == 0).await;
    assert_eq!(rig.fake.air().running, 1, "it had not hung up yet");
}

#[tokio::test(start_paused = true)]
async fn errands_are_run_one_at_a_time_and_given_up_after_twelve_seconds() {
    let rig = Rig::start(&Fake::new());
    rig.fake.air().answers.extend([(ANA, Answer::Never), (BEN, Answer::Bytes(card("Ben").encode().unwrap()))]);
    let before = clock();
    let (ana, ben) = tokio::join!(rig.ble.read(ANA), rig.ble.read(BEN));
    assert_eq!(ana, Err(DiscoveryError::Radio(RadioTrouble::TimedOut)));
    assert_eq!(ben, Ok(card("Ben")));
    assert_eq!(rig.fake.air().most_running, 1);
    assert!((12_000..13_000).contains(&(clock() - before)));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_keeps_the_radio_busy_makes_nobody_else_disappear() {
    let mut rig = Rig::start(&Fake::new());
    rig.fake.air().answers.insert(BEN, Answer::Never);
    rig.ble.look(true).await;
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, false), None);
    assert_eq!(rig.seen().await.source, ANA);
    sleep(Duration::from_secs(8)).await;
    assert!(rig.ble.read(BEN).await.is_err());
    // Heard again as soon as it is listened for.
    rig.fake.until(|air| air.listening).await;
    rig.fake.hear(ANA, beacon(1, false), None);
    let told = timeout(Duration::from_secs(10), rig.events.recv()).await;
    assert!(told.is_err(), "{told:?}");
}
